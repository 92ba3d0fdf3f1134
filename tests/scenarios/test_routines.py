# SPDX-License-Identifier: Apache-2.0
"""Somebody else's save and restore routines: right ones pass however they are written, wrong ones are findings."""

from __future__ import annotations

import random
import re
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from vctx.pymodel.kvm import Kernel
from vctx.pymodel.kvm.version import CLEAN, LINUX_7_3, V6_5, V12, KernelVersion, with_routines
from vctx.pymodel.programs import ProgramError, load
from vctx.pymodel.scenarios.audit import Audit, audit
from vctx.pymodel.scenarios.lab import run_scenario
from vctx.pymodel.scenarios.library import SCENARIOS
from vctx.pymodel.scenarios.shared_unit import SharedUnitConfig, run_shared_unit

FILES = Path(__file__).parent / "routines"
RIGHT = FILES / "separate_vxsat_vxrm.S"
RIGHT_BUT_OFF = FILES / "one_by_one.S"
WRONG_RESTORE = FILES / "vstart_before_loads.S"
WRONG_SAVE = FILES / "stores_under_vstart.S"

BLAMED = {
    WRONG_RESTORE: r"vector_restore\+0x[0-9a-f]+: vl8re8\.v v0, \(a1\)",
    WRONG_SAVE: r"vector_save\+0x[0-9a-f]+: vs8r\.v v0, \(a1\)",
}

SMALL = SharedUnitConfig(pairs=40, entries=200, vlen=128)


@cache
def audited(version: KernelVersion, routines: Path | None = None) -> Audit:
    return audit(with_routines(version, str(routines or "")))


def broken(result: Audit) -> set[tuple[str, str]]:
    return {(o.scenario.name, invariant) for o in result.outcomes for invariant in o.ledger.broken}


def found(result: Audit) -> set[str]:
    return {verdict.defect.name for verdict in result.defects() if verdict.text == "found"}


def test_right_routines_written_otherwise_pass_with_every_kernel() -> None:
    """Whole registers, vxsat and vxrm instead of vcsr, and VS as it was: that cures S14 in any kernel."""
    assert audited(CLEAN, RIGHT).findings == []
    for version in (V6_5, V12, LINUX_7_3):
        own, theirs = audited(version), audited(version, RIGHT)
        assert found(own) - found(theirs) == {"S14"} and found(theirs) < found(own)
        assert broken(theirs) < broken(own)
        assert theirs.unexplained() == []


def test_right_routines_that_leave_the_unit_off_have_s14_with_every_kernel() -> None:
    """Register by register, and VS Off: a finding of the routines, though not one of the clean kernel."""
    for version in (V6_5, LINUX_7_3):
        assert broken(audited(version, RIGHT_BUT_OFF)) == broken(audited(version))
    assert found(audited(CLEAN, RIGHT_BUT_OFF)) == {"S14"}
    assert audited(CLEAN, RIGHT_BUT_OFF).unexplained() == []


@pytest.mark.parametrize("version", [CLEAN, V6_5], ids=lambda version: version.name)
@pytest.mark.parametrize("routines", [WRONG_RESTORE, WRONG_SAVE], ids=lambda path: path.stem)
def test_wrong_routines_are_findings_that_no_known_defect_explains(routines: Path, version: KernelVersion) -> None:
    """What the guests suffer, and the instruction that is to blame: the shape of the mistake."""
    result = audited(version, routines)
    unexplained = {(finding.scenario, finding.violation.invariant) for finding in result.unexplained()}
    assert ("round-trip-of-any-state", "save-restore-identity") in unexplained
    guests_suffer = {("preempted-anywhere", name) for name in ("guest-transparent", "self-checks", "saved-is-equal")}
    assert broken(result) & guests_suffer
    evidence = next(f.violation for f in result.unexplained() if f.scenario == "round-trip-of-any-state")
    assert "vstart" in evidence.where and "v0 " in evidence.evidence  # the prestart part of the first register
    (blamed,) = [f.violation for f in result.unexplained() if f.scenario == "moves-begin-at-element-0"]
    assert blamed.invariant == "moves-are-whole" and blamed.evidence == "expected vstart 0, found vstart 5"
    assert re.fullmatch(BLAMED[routines], blamed.where)


def test_a_move_may_begin_at_element_0_only() -> None:
    outcome = run_scenario(SCENARIOS["moves-begin-at-element-0"], CLEAN)
    assert outcome.ok and outcome.ledger.checks["moves-are-whole"] == 8  # four loads, four stores


@pytest.mark.parametrize("kernel", ["v6.5", "linux-7.3", "clean"])
@pytest.mark.parametrize("routines", [RIGHT, RIGHT_BUT_OFF], ids=lambda path: path.stem)
def test_right_routines_pass_the_main_job(kernel: str, routines: Path) -> None:
    result = run_shared_unit(replace(SMALL, kernel=kernel, routines=str(routines)))
    assert result.ledger.violations == []


@pytest.mark.parametrize("routines", [WRONG_RESTORE, WRONG_SAVE], ids=lambda path: path.stem)
def test_wrong_routines_fail_the_main_job(routines: Path) -> None:
    result = run_shared_unit(SharedUnitConfig(routines=str(routines)))
    assert set(result.ledger.broken) & {"guest-transparent", "host-preserved"}
    assert result.fault == ""


@pytest.fixture
def trapping(tmp_path: Path) -> Path:
    """Routines of which the restore forgets to turn the unit on."""
    file = tmp_path / "trapping.S"
    text = RIGHT.read_text()
    before, restore = text.split("vector_restore:")
    file.write_text(before + "vector_restore:" + restore.replace("\tcsrrs\ta2, sstatus, a2\n", "\tcsrr\ta2, sstatus\n"))
    return file


def test_routines_that_trap_are_a_finding_and_no_more(trapping: Path) -> None:
    result = audit(with_routines(CLEAN, str(trapping)))
    ended = {finding.scenario for finding in result.findings if finding.violation.invariant == "completes"}
    assert len(ended) > 20
    evidence = next(f.violation.evidence for f in result.findings if f.violation.invariant == "completes")
    assert "vector_restore took a trap: cause 2" in evidence
    job = run_shared_unit(SharedUnitConfig(kernel="v6.5", routines=str(trapping)))
    assert job.ledger.broken["no-oops"] == 1
    assert "vector_restore took a trap: cause 2" in job.fault


def test_no_routine_ends_the_audit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Words of the routines replaced at random: whatever comes of it, a scenario ends with a verdict."""
    rng = random.Random(20261130)
    boot = Kernel.boot
    words = [0x0000_0013, 0x0000_8067, 0x0000_006F, 0xFFFF_FFFF, 0x1050_0073]  # nop, ret, an endless loop, illegal, wfi
    changes: list[tuple[int, int]] = []

    def boot_and_spoil(kernel: Kernel) -> None:
        boot(kernel)
        start = kernel.program.symbols["vector_save"]
        size = kernel.program.symbols["vector_discard"] - start
        for at, word in changes:
            kernel.memory.write(start + 4 * (at % (size // 4)), word.to_bytes(4, "little"))

    monkeypatch.setattr(Kernel, "boot", boot_and_spoil)
    noticed = 0
    for scenario in [rng.choice(list(SCENARIOS.values())) for _ in range(120)]:
        changes[:] = [
            (rng.randrange(200), rng.choice([*words, rng.getrandbits(32)])) for _ in range(rng.randrange(1, 4))
        ]
        noticed += not run_scenario(scenario, rng.choice([CLEAN, V6_5, LINUX_7_3])).ok
    assert noticed > 30


# What is no pair of routines


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (None, r"cannot read .*mine\.S: No such file or directory"),
        (".globl vector_save\nvector_save: ret\n", r"mine\.S defines no global vector_restore"),
        ("vector_save: ret\n.globl vector_restore\nvector_restore: ret\n", "defines no global vector_save"),
        (".globl vector_save, vector_restore\nvector_save: vector_restore: vfadd.vv v0, v1, v2\n ret\n", "mine"),
        (
            ".globl vector_save, vector_restore\nvector_save: vector_restore: .word 0xffffffff\n ret\n",
            "does not execute",
        ),
        ("dance\nsing\n", r"mine\.S: /.*mine\.S:1:1: error: unrecognized instruction mnemonic \(and 1 more\)"),
        (".globl vector_save\nvector_save: call elsewhere\n", "error: undefined symbol: elsewhere"),
    ],
    ids=["absent", "no restore", "not global", "unknown extension", "no instruction", "no assembly", "not linked"],
)
def test_other_files_are_refused(tmp_path: Path, text: str | None, error: str) -> None:
    file = tmp_path / "mine.S"
    if text is not None:
        file.write_text(text)
    with pytest.raises(ProgramError, match=error) as raised:
        load("kernel-vlenb", file)
    assert "\n" not in str(raised.value)


def test_a_name_that_no_assembly_has_is_refused(tmp_path: Path) -> None:
    for name in ("mine.txt", "mine.c", "mine"):
        (tmp_path / name).write_text("")
        with pytest.raises(ProgramError, match=rf"{name} is no assembly: its name must end in \.S or \.s"):
            load("kernel-vlenb", tmp_path / name)
    (tmp_path / "folder.S").mkdir()
    with pytest.raises(ProgramError, match=r"cannot read .*folder\.S: Is a directory"):
        load("kernel-vlenb", tmp_path / "folder.S")


def test_routines_may_bring_what_the_kernel_has_too_and_headers_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "mine.h").write_text("#define NAME vector_discard\n")
    text = RIGHT.read_text().replace('#include "context.h"', '#include "context.h"\n#include "mine.h"')
    (tmp_path / "mine.S").write_text(text + "\t.globl NAME\nNAME:\tli a0, 77\n\tret\n")
    version = with_routines(CLEAN, str(tmp_path / "mine.S"))
    assert version.name == "clean with mine.S"
    kernel = Kernel(version)
    kernel.boot()
    assert kernel.call(kernel.harts[0], "vector_discard") == 77
