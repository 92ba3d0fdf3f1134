# SPDX-License-Identifier: Apache-2.0
"""Status registers with faults, replayed without a stop: each fault is found under its rule, and mending them shows."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import pytest

from vctx.pymodel.corelog.departures import Departure, Departures
from vctx.pymodel.corelog.findings import Findings
from vctx.pymodel.errors import UsageError
from vctx.pymodel.isa import Csr, encode
from vctx.pymodel.places import ROOT
from vctx.pymodel.scenarios.directed import SWEEPS, Probe, Stimulus, failures
from vctx.pymodel.trace import Insn, Issue, Retire, TraceReader, Trap
from vctx.tb.jobs.cosim import cosim
from vctx.tb.jobs.sweep import record, records_of
from vctx.tb.knobs import Knobs
from vctx.tb.replay.launch import replay
from vctx.tb.replay.result import ReplayResult
from vctx.tb.simulators.filelist import OwnStatus

EXAMPLE = ROOT / "examples" / "own_status" / "files.f"
SHOWN = ("states", "csr", "bugs")

# What each fault of the example shows as, alone. sstatus has a view for V=0 and one for V=1.
RULES = {
    "SD": {"B-12"},
    "SSTATUS_MASK": {"B-3, B-7", "B-4, B-15"},
    "ELSEWHERE": {"B-4, B-15"},
    "VS_DIRTY": {"B-13"},
    "VS_CHECK": {"A-3, A-4", "A-3, B-5, B-14"},
    "TRAP_WRITES": {"F-7, A-4"},
}


def with_faults(*faults: str) -> OwnStatus:
    own = OwnStatus.read(EXAMPLE, "own_status")
    return replace(own, files=replace(own.files, defines=tuple(f"FAULT_{fault}" for fault in faults)))


def _sweeps(s: Stimulus) -> None:
    for name in SHOWN:
        s.prefix = (name,)
        s.fresh()
        SWEEPS[name](s)


@cache
def recorded() -> tuple[Path, list[Probe]]:
    """Return the sweeps in one trace, and their probes."""
    trace = Path(mkdtemp()) / "sweeps.vctx"
    return trace, record(_sweeps, trace, name="sweeps", vlen=128)


def replayed(folder: Path, *faults: str, sim: str = "icarus") -> ReplayResult:
    result = replay(recorded()[0], sim=sim, out_dir=folder, dlen=64, status=with_faults(*faults), keep_going=True)
    assert ReplayResult.read(folder / "result.json") == result
    assert result.events == sum(1 for _ in TraceReader(recorded()[0]))  # all of them
    return result


def by_rule(result: ReplayResult) -> Counter[str]:
    findings = Findings()
    findings.merge(result.findings)
    return findings.by_rule


def test_the_faults_are_those_of_the_example() -> None:
    text = (EXAMPLE.parent / "csr_file.sv").read_text()
    assert {*re.findall(r"^`ifn?def FAULT_(\w+)", text, re.MULTILINE)} == RULES.keys()


@pytest.mark.parametrize("fault", list(RULES)[:-1])  # the last one alone is the last but one step of the ladder
def test_a_fault_alone_is_found_under_its_rule(fault: str, tmp_path: Path) -> None:
    result = replayed(tmp_path, fault)
    assert by_rule(result).keys() == RULES[fault]
    assert result.mismatch is not None and result.mismatch.index == min(f.first.line for f in result.findings)
    assert "interface" not in result.text() and "checkpoint" not in result.text()


def test_mending_the_faults_one_by_one(tmp_path: Path) -> None:
    """The table of docs/your-core.md; its rows fall strictly, to nothing."""
    text = (ROOT / "docs" / "your-core.md").read_text()
    lines = re.findall(r"^\| (?:as it is|\+ `FAULT_\w+`) +\|.*\|$", text, re.MULTILINE)
    header = next(line for line in text.splitlines() if line.startswith("| mended"))
    columns = [cell.strip() for cell in header.strip("|").split("|")][1:]
    rows, faults = [], list(RULES)
    for number in range(len(faults) + 1):
        result = replayed(tmp_path / str(number), *faults[number:])
        failed = failures(recorded()[1], records_of(Path(result.observed)))
        # Keys of the field bugs begin with their numbers.
        counts = Counter(failure.probe.key[0] if failure.probe.key[0] in SHOWN else "bugs" for failure in failed)
        rules = by_rule(result)
        assert rules.keys() <= set().union(*(RULES[fault] for fault in faults[number:]))
        assert sum(rules.values()) + result.following >= result.departures >= len(failed) - result.following
        counts.update(rules)
        rows.append(counts)
        name = f"+ `FAULT_{faults[number - 1]}`" if number else "as it is"
        cells = [name, *(str(counts[column]) for column in columns)]
        assert [cell.strip() for cell in lines[number].strip("|").split("|")] == cells
        assert counts.keys() <= set(columns)
    totals = [sum(row[name] for name in SHOWN) for row in rows]
    assert totals == sorted(set(totals), reverse=True) and totals[-1] == 0 and not rows[-1]


def test_both_simulators_find_the_same(tmp_path: Path) -> None:
    icarus, verilator = (replayed(tmp_path / sim, *RULES, sim=sim) for sim in ("icarus", "verilator"))
    assert verilator.findings == icarus.findings
    assert (verilator.departures, verilator.following) == (icarus.departures, icarus.following)
    assert Path(verilator.observed).read_bytes() == Path(icarus.observed).read_bytes()


def test_the_command_groups_and_counts(tmp_path: Path) -> None:
    files = tmp_path / "own.f"
    files.write_text(f"+define+FAULT_SD\n-f {EXAMPLE}\n")
    command = [sys.executable, "-m", "vctx.tb.cli", "sweep", "states", "--sim", "icarus", "--no-spike", "--keep-going"]
    command += ["--design", str(files), "--top", "own_status", "--out", str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "\nB-12: 392\n" in done.stdout and "392 of 2,810 instructions differ" in done.stdout
    assert re.search(r"^RTL \(icarus\) +2,810 +1,200 +392", done.stdout, re.MULTILINE)
    assert f"--design {files} --top own_status --keep-going" in done.stdout


def test_what_cannot_go_on_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--keep-going: not with --live"):
        cosim(Knobs(), live=True, keep_going=True)
    with pytest.raises(UsageError, match="--keep-going: not with --step"):
        replay(recorded()[0], sim="icarus", out_dir=tmp_path, step=True, keep_going=True)


# --- grouping, record by record ---

_CSRR, _VADD = encode("csrrs", rd=5, csr=Csr.MSTATUS, rs1=0), encode("vadd.vv", vd=1, vs2=1, vs1=2)
_DIRTY = Retire(mstatus_vs=3, vtype=0, vl=4)


def _departure(word: int, want: Retire, seen: Retire, *, rewritten: int | None = 0, virt: bool = False) -> Departure:
    insn = Insn(0, 0x8000_0000, Issue(word, prv=1, virt=virt), want)
    return Departure(7, insn, seen, (want.mstatus_vs, want.vsstatus_vs), (), rewritten)


def test_what_follows_is_no_finding_and_what_does_not_is() -> None:
    clean = _DIRTY._replace(mstatus_vs=2)
    departures = Departures()
    departures.add(_departure(_VADD, _DIRTY, clean))  # does not become Dirty
    departures.add(_departure(_VADD, _DIRTY, clean, rewritten=None))  # still is not
    assert (departures.instructions, departures.following) == (2, 1)
    vs, sd = 3 << 9, 1 << 63
    departures.add(_departure(_CSRR, _DIRTY._replace(rd=vs | sd), clean._replace(rd=2 << 9), rewritten=None))
    assert departures.following == 2  # it reads what is stored
    departures.add(_departure(_CSRR, _DIRTY._replace(rd=vs | sd), _DIRTY._replace(rd=vs)))
    assert dict(departures.findings.by_rule) == {"B-8": 1, "B-12": 1}


def test_registers_that_differ_taint_data_until_they_are_written() -> None:
    good, bad = bytes(16), bytes([1]) + bytes(15)
    want, seen = _DIRTY._replace(vregs={1: good}), _DIRTY._replace(vregs={1: bad})
    departures = Departures()
    for rewritten in (0, None, 0):
        departures.add(_departure(_VADD, want, seen, rewritten=rewritten))
    assert (departures.following, dict(departures.findings.by_rule)) == (2, {"E": 1})
    departures.add(_departure(_VADD, want, seen, rewritten=1 << 1))  # v1 was written as it should in between
    assert departures.findings.by_rule["E"] == 2
    trap = _DIRTY._replace(trap=Trap(2, _VADD), vl=4)
    departures.add(_departure(_VADD, want, trap, rewritten=None, virt=True))
    (found,) = (found for found in departures.findings.sorted if found.rule == "A-3, B-5, B-14")
    assert found.what == "vadd.vv traps with cause 2, must execute"
    assert (found.first.line, found.first.mode, found.first.vs) == (7, "VS", (3, 0))


def test_a_checkpoint_that_nothing_explains_is_a_finding() -> None:
    departures = Departures()
    departures.checkpoint(3, 0, ["a register"])
    assert dict(departures.findings.by_rule) == {"checkpoint": 1}
