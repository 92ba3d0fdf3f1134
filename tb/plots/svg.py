# SPDX-License-Identifier: Apache-2.0
"""Charts as SVG: bars, and panels of curves."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

# Distinct to colour-blind eyes as well.
_COLOURS = ("#999999", "#0072b2", "#56b4e9", "#e69f00", "#009e73", "#d55e00")
_BAR, _GAP = 14, 24
_LEFT, _TOP, _HEIGHT, _BOTTOM, _LEGEND = 70, 60, 300, 40, 24
_TICKS = 5  # at most


def bars(title: str, groups: Sequence[str], series: Mapping[str, Sequence[float]]) -> str:
    """Return a chart with a group of bars for each of `groups`, and in it a bar for each of `series` (at most six).

    Args:
        title: what the values are.
        series: the values by name, one for each group.
    """
    most = max((value for values in series.values() for value in values), default=0) or 1
    step = _round_step(most / _TICKS)
    ticks = math.ceil(most / step)
    highest = step * ticks
    group_width = _BAR * len(series) + _GAP
    width = _LEFT + group_width * len(groups) + _GAP
    height = _TOP + _HEIGHT + _BOTTOM + _LEGEND
    base = _TOP + _HEIGHT
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" font-family="sans-serif" '
        f'font-size="11"><rect width="100%" height="100%" fill="white"/>',
        f'<text x="{_LEFT}" y="24" font-size="14">{escape(title)}</text>',
    ]
    for tick in range(ticks + 1):
        y = base - _HEIGHT * tick / ticks
        out.append(f'<line x1="{_LEFT}" x2="{width - _GAP}" y1="{y:.1f}" y2="{y:.1f}" stroke="#dddddd"/>')
        label = f"{step * tick:,g}"
        out.append(f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{label}</text>')
    for number, group in enumerate(groups):
        left = _LEFT + _GAP / 2 + number * group_width
        for place, (name, values) in enumerate(series.items()):
            tall = _HEIGHT * values[number] / highest
            out.append(
                f'<rect x="{left + place * _BAR:.1f}" y="{base - tall:.1f}" width="{_BAR - 2}" height="{tall:.1f}" '
                f'fill="{_COLOURS[place]}"><title>{escape(f"{group}, {name}: {values[number]:,.1f}")}</title></rect>'
            )
        middle = left + _BAR * len(series) / 2
        out.append(f'<text x="{middle:.1f}" y="{base + 16}" text-anchor="middle">{escape(group)}</text>')
    for place, name in enumerate(series):
        x = _LEFT + place * 110
        out.append(f'<rect x="{x}" y="{base + _BOTTOM}" width="10" height="10" fill="{_COLOURS[place]}"/>')
        out.append(f'<text x="{x + 16}" y="{base + _BOTTOM + 9}">{escape(name)}</text>')
    return "\n".join([*out, "</svg>", ""])


def _round_step(least: float) -> float:
    """Return the smallest 1, 2 or 5 times a power of ten that is at least `least`, which is positive."""
    unit = 10.0 ** math.floor(math.log10(least))
    return next(factor * unit for factor in (1, 2, 5, 10) if factor * unit >= least)


_PANEL_WIDTH, _PANEL_HEIGHT, _MARGIN, _KEY = 230, 170, 50, 30


def curves(title: str, x_label: str, panels: Mapping[str, Mapping[str, Mapping[int, float]]], columns: int = 3) -> str:
    """Return panels of curves that share one scale: powers of two from left to right, 1 to the highest value upwards.

    Args:
        title: what the values are, all at least 1.
        panels: by panel and curve, value by position. The same name has the same colour in all panels.
        columns: panels beside each other.
    """
    xs = sorted({x for lines in panels.values() for line in lines.values() for x in line})
    names = list(dict.fromkeys(name for lines in panels.values() for name in lines))
    highest = max(y for lines in panels.values() for line in lines.values() for y in line.values())
    steps = max(1, math.ceil(2 * (highest - 1)))  # lines across, at every half
    span = steps / 2
    rows = -(-len(panels) // columns)
    width = _MARGIN + columns * (_PANEL_WIDTH + _MARGIN)
    height = _TOP + rows * (_PANEL_HEIGHT + _TOP) + _KEY
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" font-family="sans-serif" '
        f'font-size="11"><rect width="100%" height="100%" fill="white"/>',
        f'<text x="{_MARGIN}" y="24" font-size="14">{escape(title)}</text>',
    ]
    for number, (name, lines) in enumerate(panels.items()):
        left = _MARGIN + number % columns * (_PANEL_WIDTH + _MARGIN)
        base = _TOP + number // columns * (_PANEL_HEIGHT + _TOP) + _PANEL_HEIGHT
        across = {x: left + _PANEL_WIDTH * (place + 0.5) / len(xs) for place, x in enumerate(xs)}
        out.append(f'<text x="{left}" y="{base - _PANEL_HEIGHT - 8}" font-weight="bold">{escape(name)}</text>')
        for step in range(steps + 1):
            up = base - _PANEL_HEIGHT * step / steps
            colour = "#dddddd" if step else "#000000"
            out.append(f'<line x1="{left}" x2="{left + _PANEL_WIDTH}" y1="{up:.1f}" y2="{up:.1f}" stroke="{colour}"/>')
            out.append(f'<text x="{left - 6}" y="{up + 4:.1f}" text-anchor="end">{1 + step / 2:.1f}</text>')
        for x, place in across.items():
            out.append(f'<text x="{place:.1f}" y="{base + 15}" text-anchor="middle">{x}</text>')
        out.append(f'<text x="{left + _PANEL_WIDTH / 2}" y="{base + 30}" text-anchor="middle">{escape(x_label)}</text>')
        for line_name, line in lines.items():
            colour = _COLOURS[names.index(line_name) % len(_COLOURS)]
            points = [(across[x], base - _PANEL_HEIGHT * (y - 1) / span, x, y) for x, y in sorted(line.items())]
            path = " ".join(f"{right:.1f},{up:.1f}" for right, up, _, _ in points)
            out.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
            for right, up, x, y in points:
                label = f"<title>{escape(f'{name}, {line_name}, {x}: {y:.3f}')}</title>"
                out.append(f'<circle cx="{right:.1f}" cy="{up:.1f}" r="3" fill="{colour}">{label}</circle>')
    for place, line_name in enumerate(names):
        left = _MARGIN + place * 110
        colour = _COLOURS[place % len(_COLOURS)]
        out.append(f'<rect x="{left}" y="{height - _KEY}" width="10" height="10" fill="{colour}"/>')
        out.append(f'<text x="{left + 16}" y="{height - _KEY + 9}">{escape(line_name)}</text>')
    return "\n".join([*out, "</svg>", ""])
