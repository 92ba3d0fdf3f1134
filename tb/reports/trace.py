# SPDX-License-Identifier: Apache-2.0
"""What `vctx trace info` prints."""

from __future__ import annotations

from rich.console import Console

from vctx.pymodel.trace.info import TraceInfo
from vctx.tb.runs.repeat import shown

_FIRST = ("vctx", "command")  # of the header; shown by themselves


def print_info(console: Console, info: TraceInfo) -> None:
    """Print what a trace holds."""
    header = info.header
    said = ", ".join(f"{name} {_value(name, value)}" for name, value in header.items() if name not in _FIRST)
    kinds = ", ".join(f"{count:,} {name}" for name, count in info.events.items())
    harts = ", ".join(f"hart {hart}: {count:,}" for hart, count in info.instructions.items())
    rows = {
        "trace": shown(info.path),
        "format": f"{info.format}, written by vctx {header.get('vctx', 'of unknown version')}",
        "size": f"{info.size:,} bytes",
        "header": said,
        "recorded by": str(header.get("command", "-")),
        "events": f"{sum(info.events.values()):,}: {kinds}",
        "instructions": f"{sum(info.instructions.values()):,}" + f" ({harts})" * bool(harts),
    }
    for name, text in rows.items():
        console.print(f"{name:<13}{text}", soft_wrap=True, markup=False)


def _value(name: str, value: object) -> str:
    return f"{value:#x}" if name.startswith("ram_") and isinstance(value, int) else str(value)
