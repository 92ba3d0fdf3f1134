# SPDX-License-Identifier: Apache-2.0
"""What came of a cell, in the form in which cells can be merged: the one place that knows the jobs' result.json."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from vctx.pymodel.fuzz.coverage import crosses

PASSED, FAILED = "passed", "failed"
BROKEN, DIED, HUNG = "broken", "died", "hung"  # not judged: a tool failed, the process was killed, or took too long
UNJUDGED = (BROKEN, DIED, HUNG)
_INSN = re.compile(r"after instruction (\d+)")
_FUNCTION = re.compile(r"(?:in|after) (.+?)(?: for |, |$)")
_DISASSEMBLY = re.compile(r"0x[0-9a-f]+: (?:[0-9a-f]{8}  )?(\S+)")


@dataclass(frozen=True)
class Failure:
    """The first thing that is wrong in a cell.

    Attributes:
        rule: what is broken: an invariant, a rule of the specification, or which two disagree.
        field: the first field that differs; "" if it is no difference.
        function: in which function of the kernel, or which instruction.
        size: of the case: instructions up to there, or of a shrunk program; smaller is easier to look at.
        text: the report. case: the shrunk program, if there is one.
    """

    rule: str
    field: str
    function: str
    size: int
    text: str
    case: str = ""

    @property
    def signature(self) -> tuple[str, str, str]:
        """What failures of the same cause have in common."""
        return self.rule, self.field, self.function


@dataclass(frozen=True)
class Outcome:
    """What came of a cell.

    Attributes:
        status: PASSED, FAILED, or one of UNJUDGED.
        counts: sums over everything: instructions and the like. checks: invariants: [checked, broken].
        coverage: bins of each cross as numbers of which each bit is a bin: [possible, reached], in hexadecimal.
        failure: what is wrong. log: the end of what a cell that was not judged said.
        flaky: it failed once, and ended otherwise when it was repeated.
    """

    status: str
    counts: Mapping[str, int] = field(default_factory=dict)
    checks: Mapping[str, list[int]] = field(default_factory=dict)
    coverage: Mapping[str, list[str]] = field(default_factory=dict)
    failure: Failure | None = None
    log: str = ""
    flaky: bool = False

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON-able data."""
        return asdict(self)

    @classmethod
    def of_json(cls, data: dict[str, Any]) -> Outcome:
        """Return what `as_json` was made of."""
        failure = data["failure"]
        return cls(**data | {"failure": failure and Failure(**failure)})


def outcome_of(job: str, result: dict[str, Any], folder: Path) -> Outcome:
    """Return the outcome of a job.

    Args:
        job: one of `tb.campaign.jobs.JOBS`. result: what it left as result.json. folder: where its files are.
    """
    counts, checks, coverage, failure = _READERS[job](result)
    if failure is not None and failure.case:
        failure = Failure(**asdict(failure) | {"case": _text(failure.case, folder)})
    ok = bool(result["ok"])
    if not ok and failure is None:
        failure = Failure(job, "", "", 0, "it failed, and its result.json names no failure")
    return Outcome(PASSED if ok else FAILED, counts, checks, coverage, None if ok else failure)


_Parts = tuple[dict[str, int], dict[str, list[int]], dict[str, list[str]], Failure | None]


def _text(name: str, folder: Path) -> str:
    """Return a shrunk program, whose path a result shows relative to the present directory."""
    path = Path(name)
    found = path if path.is_file() else next(folder.rglob(path.name), None)
    return "" if found is None else found.read_text(errors="replace")


def _checks(result: dict[str, Any]) -> dict[str, list[int]]:
    return {name: [each["checked"], each["broken"]] for name, each in result["invariants"].items()}


def _of_mismatch(opinion: str, mismatch: dict[str, Any], text: str = "") -> Failure:
    differences = mismatch["differences"]
    first = differences[0] if differences else {"field": "", "expected": "", "observed": ""}
    function = mismatch["where"].split()[-1] if mismatch["where"] != "-" else ""
    mnemonic = mismatch["disassembly"].split()[0] if mismatch["disassembly"] else mismatch["kind"]
    said = f"{mismatch['mode']} {mismatch['pc']:#x}: {mismatch['disassembly']}; {mismatch['symbol']}; " + "; ".join(
        f"{d['field']} is {d['observed']}, must be {d['expected']}" for d in differences[:8]
    )
    return Failure(opinion, first["field"], " ".join((mnemonic, function)).strip(), mismatch["index"], text or said)


def _of_violation(violation: dict[str, Any], index: int) -> Failure:
    at = _INSN.match(violation["at"])
    function = _FUNCTION.match(violation["calls"])
    return Failure(
        violation["invariant"],
        "",
        function[1] if function else "",
        int(at[1]) if at else index,
        f"{violation['where']}: {violation['evidence']}",
    )


def _of_report(against: str, report: str, size: int, case: str) -> Failure:
    """Read the report of a fuzz failure: the line of the instruction, then a table of fields."""
    lines = report.splitlines()
    table = next((at for at, line in enumerate(lines) if line.split()[:1] == ["field"]), len(lines))
    first = lines[table + 1].split()[0] if table + 1 < len(lines) else ""
    mnemonics = [found[1] for line in lines[:table] if (found := _DISASSEMBLY.search(line))]
    return Failure(against, first, mnemonics[-1] if mnemonics else "", size, report, case)


def _cosim(result: dict[str, Any]) -> _Parts:
    rtl = result["rtl"]
    counts = {"instructions": rtl["instructions"], "checkpoints": rtl["checkpoints"], "cycles": rtl["cycles"]}
    failure = None
    if rtl["mismatch"] is not None:
        failure = _of_mismatch("RTL", rtl["mismatch"])
    elif result["violations"]:
        failure = _of_violation(result["violations"][0], rtl["instructions"])
    else:
        for operation in result["operations"]:
            if not operation["agrees"]:
                text = f"{operation['done']} whole transfers on the bus, {operation['model']} in the model"
                failure = Failure("bus and model", "transfers", operation["name"], rtl["instructions"], text)
                break
    return counts, _checks(result), {}, failure


def _fuzz(result: dict[str, Any]) -> _Parts:
    sides = [result["spike"], result["rtl"]]
    counts = {name: sum(side[name] for side in sides) for name in ("instructions", "programs", "unfinished")}
    failure = None
    if result["failures"]:
        first = result["failures"][0]
        failure = _of_report(first["against"], first["report"], first["instructions"], first["program"])
    return counts, {}, _coverage(result["coverage"], irqs=result["config"]["rtl"]), failure


def _sweep(result: dict[str, Any]) -> _Parts:
    opinions = result["opinions"]
    counts = {
        "instructions": result["instructions"] * len(opinions),
        "requirements": sum(o["probes"] for o in opinions),
    }
    failure = None
    for opinion in opinions:
        if opinion["mismatch"] is not None:
            failure = _of_mismatch(opinion["name"], opinion["mismatch"])
        elif opinion["failures"]:
            text = opinion["failures"][0]
            what = text.partition("): ")[2]
            failure = Failure(opinion["name"], what.split(" is ")[0], text.split()[0], result["instructions"], text)
        if failure is not None:
            break
    return counts, {}, {}, failure


def _audit(result: dict[str, Any]) -> _Parts:
    run = [each for each in result["scenarios"] if not each["not_applicable"]]
    counts = {"scenarios": len(run), "instructions": sum(each["instructions"] for each in result["rtl"])}
    failure = None
    if result["findings"]:
        failure = _of_violation(result["findings"][0], 0)
    for each in result["rtl"]:
        if failure is None and each["mismatch"] is not None:
            failure = _of_report("RTL", each["mismatch"], each["instructions"], "")
    return counts, {name: each for name, each in _checks(result).items() if any(each)}, {}, failure


def _check_log(result: dict[str, Any]) -> _Parts:
    counts = {"events": result["events"]} | {
        f"compared {name}": each["compared"] for name, each in result["compared"].items()
    }
    failure = None
    if result["findings"]:
        first = min(result["findings"], key=lambda each: each["first"]["line"])
        at = first["first"]
        function = at["text"].split()[0] if at["text"] else ""
        text = f"line {at['line']}: {at['text']}: core {at['core']}, model {at['model']}"
        failure = Failure(first["rule"], first["what"], function, at["line"], text)
    elif result["stopped"]:
        failure = Failure("the log cannot be followed", "", "", result["events"], result["stopped"])
    return counts, {}, {}, failure


def _command(result: dict[str, Any]) -> _Parts:
    status = result["status"]
    text = f"exit code {status}" if status >= 0 else f"ended by signal {-status}"
    return {}, {}, {}, None if result["ok"] else Failure("command", "", text, 0, text)


_READERS: Mapping[str, Callable[[dict[str, Any]], _Parts]] = {
    "cosim": _cosim,
    "fuzz": _fuzz,
    "sweep": _sweep,
    "audit": _audit,
    "check-log": _check_log,
    "command": _command,
}

# --- coverage as numbers ---


@cache
def bins() -> Mapping[str, tuple[str, ...]]:
    """Return the bins of every cross, as results name them, in the order of their bits."""
    return {c.name: tuple(sorted(" x ".join(map(str, each)) for each in c.possible)) for c in crosses()}


@cache
def _bit(cross: str) -> Mapping[str, int]:
    return {name: 1 << at for at, name in enumerate(bins()[cross])}


@cache
def _possible(cross: str, irqs: bool) -> int:
    return sum(bit for name, bit in _bit(cross).items() if irqs or "irq" not in name.split(" x "))


def _coverage(results: list[dict[str, Any]], *, irqs: bool) -> dict[str, list[str]]:
    found = {}
    for cross in results:
        name = cross["name"]
        possible, bit = _possible(name, irqs), _bit(name)
        reached = possible & ~sum(bit[each] for each in cross["never"])
        assert reached.bit_count() == cross["reached"], f"bins of {name} are not those of its result"
        found[name] = [f"{possible:x}", f"{reached:x}"]
    return found
