# SPDX-License-Identifier: Apache-2.0
"""On QEMU an exported program finds what is declared of that version, and nothing else."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from export_rig import exported
from qemu_rig import Qemu

from vctx.pymodel.exported.emulators import EMULATORS, Emulator, declared, explain, of_version
from vctx.pymodel.exported.machine import Machine
from vctx.pymodel.exported.program import Exported, translate
from vctx.pymodel.exported.runner import FAILED
from vctx.pymodel.trace import TraceReader
from vctx.pymodel.trace.header import Header
from vctx.tb.jobs.programs import NAMES, Program
from vctx.tb.linux.boot import qemu_version


@pytest.fixture(scope="module")
def emulator() -> Emulator:
    found = of_version("QEMU", qemu_version())
    assert found is not None, f"QEMU {qemu_version()}: what it does otherwise is not known; see emulators.py"
    return found


def _found(folder: Path, program: Program, vlen: int) -> tuple[Exported, int, dict[int, int]]:
    """Run a program; return it with its exit code and what it found."""
    assert program.trace is not None
    trace = folder / program.trace
    hart = int(program.name[-1]) if program.name.startswith("kvm") else 0
    made = translate(Header.of(trace), TraceReader(trace), Machine(vlen), hart=hart)
    with Qemu(folder / program.elf, vlen) as qemu:
        code, failed = qemu.end(), qemu.failed()
    assert len(failed) <= FAILED
    return made, code, failed


@pytest.mark.parametrize(
    ("name", "vlen"), [("states", 256), ("states", 1024), ("irq", 128), ("vset", 128), ("kvm", 256)]
)
def test_only_what_is_declared(name: str, vlen: int, emulator: Emulator, tmp_path: Path) -> None:
    for program in exported(tmp_path, vlen, name):
        assert program.emulators[f"QEMU {emulator.version}"] is not None
        made, code, failed = _found(tmp_path, program, vlen)
        findings = list(explain(emulator, made.steps, failed, vlen))
        assert [finding for finding in findings if not finding.items] == []
        # Neither a check of registers or memory nor anything else failed beside these steps.
        assert {finding.step.record for finding in findings} == failed.keys()
        assert code == bool(failed)
        seen = Counter(item for finding in findings for item in finding.items)
        assert seen.keys() <= {departure.item for departure in emulator.departures} | {"carried"}


def test_what_is_not_declared_is_found(emulator: Emulator, tmp_path: Path) -> None:
    """Without its departures an emulator's findings have no explanation."""
    (program,) = exported(tmp_path, 128, "states")
    made, _, failed = _found(tmp_path, program, 128)
    silent = replace(emulator, departures=())
    assert failed
    assert any(not finding.items for finding in explain(silent, made.steps, failed, 128))
    # Nor has one that no departure could explain: the first step, with another number.
    other = {made.steps[0].record: 1}
    (finding,) = explain(emulator, made.steps, other, 128)
    assert (finding.number, finding.items) == (0, ())


def test_the_manifest_says_what_is_for_which_version(tmp_path: Path) -> None:
    exported(tmp_path, 128, "bugs", "fuzz")
    for entry in json.loads((tmp_path / "manifest.json").read_text())["programs"]:
        assert entry["emulators"] == declared(entry["name"])
    assert declared("fuzz-0000") == {"QEMU 7.2": None, "QEMU 10.0": None}
    assert all("B-12: " in text for text in (declared("bugs")["QEMU 7.2"] or [""])[:1])
    kinds = {name.partition("-")[0] for each in EMULATORS for name in each.programs}
    assert kinds <= set(NAMES)


def test_versions() -> None:
    found = of_version("QEMU", "7.2.22")
    assert found is not None and found.version == "7.2"
    assert of_version("QEMU", "7.20.1") is None
    assert of_version("Another", "7.2") is None
