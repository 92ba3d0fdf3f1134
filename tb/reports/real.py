# SPDX-License-Identifier: Apache-2.0
"""What people see of a real Linux on Spike and the RTL: instructions, context switches, and the verdict."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from vctx.pymodel.scenarios.invariants import ALL_INVARIANTS
from vctx.pymodel.scenarios.linux import Kind
from vctx.tb.linux.crossings import KNOWN
from vctx.tb.linux.defects import DEFECTS
from vctx.tb.linux.real import LinuxRun
from vctx.tb.linux.recorder import BAD_ENDS
from vctx.tb.runs.repeat import shown

_SHOWN, _WIDTH = 10, 400  # lines that differ, and characters of each


def print_real(console: Console, run: LinuxRun) -> None:
    """Print the verdict."""
    recorded, replayed = run.recorded, run.replayed
    table = _table("", "", "")
    rows = [("instructions executed", recorded.instructions, f"by Linux {run.release}, its firmware and its guests")]
    modes = ", ".join(f"{mode} {count:,}" for mode, count in recorded.records.items())
    rows.append(("instructions recorded", sum(recorded.records.values()), modes))
    rows.append(("instructions compared", replayed.instructions, f"{recorded.brought:,} of them only set a state up"))
    rows.append(("mismatches", 0 if replayed.mismatch is None else 1, "the first ends the comparison"))
    if run.golden is not None:
        rows.append(("judged by golden hart", run.golden.judged, "agreed" if run.golden.ok else "differs"))
    if run.lines:
        matched = f"lines of the init program; {run.lines[Kind.DIFFERS]:,} differ"
        rows.append(("agree with golden KVM", run.lines[Kind.MATCHED] + run.lines[Kind.EXPLAINED], matched))
    rows.append(("not of the block", sum(recorded.unsupported.values()), ", ".join(list(recorded.unsupported)[:3])))
    rows.append(("vCPUs scheduled in", run.switches.loads, "kvm_arch_vcpu_load"))
    rows.append(("vCPUs scheduled out", run.switches.puts, "kvm_arch_vcpu_put"))
    for name, number, text in rows:
        table.add_row(name, f"{number:,}", text)
    console.print("\nrun", style="bold")
    console.print(table)
    _print_switches(console, run)
    _print_invariants(console, run)
    _print_end(console, run)


def _print_switches(console: Console, run: LinuxRun) -> None:
    table = _table("", "calls", "done, bus", "elided", "bytes", "cycles", "cycles each")
    for name, move in run.switches.moves.items():
        each = f"{move.cycles / move.done:.1f}" if move.done else "-"
        table.add_row(name, *(f"{n:,}" for n in (move.calls, move.done, move.elided, move.bytes, move.cycles)), each)
    console.print("\nsaves and restores", style="bold")
    console.print(table)


def _print_invariants(console: Console, run: LinuxRun) -> None:
    ledger = run.ledger
    table = _table("", "checked", "broken", "")
    for name, checks in sorted(ledger.checks.items()):
        broken = ledger.broken[name]
        color = "green" if not broken else "yellow" if name in KNOWN else "bold red"
        shown_broken = Text(f"{broken:,}", color)
        table.add_row(name, f"{checks:,}", shown_broken, ALL_INVARIANTS[name].text)
    console.print("\ninvariants of KVM", style="bold")
    console.print(table)
    for name in KNOWN.keys() & ledger.broken.keys():
        console.print(f"{name} is broken by a known defect: {KNOWN[name]}", soft_wrap=True)
    unknown = [violation for violation in ledger.violations if violation.invariant not in KNOWN]
    if unknown:
        console.print("\nbroken invariants, first cases:", style="bold red")
    for each in unknown:
        console.print(f"  {each.invariant}: {each.where}: {each.evidence}", soft_wrap=True, markup=False)


def _print_end(console: Console, run: LinuxRun) -> None:
    recorded, replayed = run.recorded, run.replayed
    console.print()
    if replayed.mismatch is not None:
        console.print(replayed.mismatch.text(), soft_wrap=True, markup=False)
    if run.golden is not None and run.golden.mismatch is not None:
        console.print("the golden hart differs:", style="bold red")
        console.print(run.golden.mismatch.text(), soft_wrap=True, markup=False)
    for line in run.differing[:_SHOWN]:
        console.print(f"the golden hypervisor differs: {line[:_WIDTH]}", soft_wrap=True, markup=False)
    if not recorded.ok:
        console.print(
            f"{BAD_ENDS[recorded.ended]}, after {recorded.instructions:,} instructions; the console ends with:"
        )
        for line in run.console:
            console.print(f"  {line}", soft_wrap=True, markup=False)
        for number, hart in enumerate(recorded.harts):
            console.print(f"  hart {number}: {hart['mode']} {hart['pc']:#x}{', waits' if hart['waits'] else ''}")
    defect = DEFECTS.get(run.program.defect or "")
    if defect is not None:
        how = "caught" if run.ledger.broken[defect.caught_by] else "not caught"
        console.print(f"defect {defect.name} ({defect.text}): {how} by {defect.caught_by}", soft_wrap=True)
    state = "[bold green]agreed[/]" if run.ok else "[bold red]failed[/]"
    agree = f"{replayed.instructions:,} instructions of Linux {run.release}"
    console.print(f"{state}: {agree}, {0 if replayed.mismatch is None else 1} mismatches", soft_wrap=True)
    for name, path in (("trace", run.trace), ("result", run.path)):
        console.print(f"{name}: {shown(path)}", soft_wrap=True)
    console.print(f"repeat: {run.command}", soft_wrap=True)


def _table(*headings: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", show_header=any(headings))
    for at, heading in enumerate(headings):
        table.add_column(heading, justify="left" if at == 0 or (not heading and at > 1) else "right", no_wrap=at == 0)
    return table
