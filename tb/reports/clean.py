# SPDX-License-Identifier: Apache-2.0
"""What `vctx clean` prints."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from vctx.pymodel.places import out_root
from vctx.tb.jobs.clean import Cleaned
from vctx.tb.runs.repeat import shown

_MIB = 1 << 20


def print_cleaned(console: Console, cleaned: Cleaned, *, dry_run: bool) -> None:
    """Print what was removed, or would be, and what somebody uses."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in (shown(out_root()), "found", "to remove" if dry_run else "removed", "MiB"):
        table.add_column(column, justify="right" if table.columns else "left")
    for name, kind in cleaned.kinds.items():
        table.add_row(name, f"{kind.found:,}", f"{kind.removed:,}", f"{kind.freed / _MIB:,.1f}")
    if cleaned.kinds:
        console.print(table)
    for path in cleaned.used:
        console.print(f"kept, since a run uses it: {shown(path)}", soft_wrap=True, markup=False)
    console.print(f"{'would free' if dry_run else 'freed'} {cleaned.freed / _MIB:,.1f} MiB")
