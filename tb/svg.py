"""A bar chart as SVG."""

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
