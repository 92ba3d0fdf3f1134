# SPDX-License-Identifier: Apache-2.0
"""Which bugs of other designs the main job finds by itself, on Verilator with the default seed, and which it does not.

Here one of the bugs; all of them with MUTANTS=all (`make mutants`), or some by MUTANTS=name,name.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from mutants import MUTANTS
from mutation import Mutant
from reported_mutants import REPORTED

from vctx.pymodel.scenarios.jobs import DEFAULT_JOB
from vctx.pymodel.scenarios.shared_unit import config_of
from vctx.tb.jobs.cosim import record
from vctx.tb.knobs import DEFAULT_DLEN, DEFAULT_SIM
from vctx.tb.replay.launch import replay
from vctx.tb.runs.defaults import LATENCY
from vctx.tb.runs.progress import silent

BUGS = {f"{mutant.bug}: {mutant.name}": mutant for mutant in (*MUTANTS, *REPORTED)}
SURVIVORS = {  # what the main job does not find; README.md has the table
    "xiangshan 6295: a fault-only-first load that traps writes its register",
    "sail-riscv 1243: a load or store under vl = 0 keeps vstart",
    "riscv-isa-manual 2692: vstart of a fault is the page's first element, active or not",
    "ara 183: an illegal load behind a busy one never ends",
    "nemu 374: alignment of whole-register loads and stores is not checked",
}
ALWAYS = ("guest writes: a guest's CSR write does not dirty its own VS",)
WANTED = os.environ.get("MUTANTS", "")
CHOSEN = list(BUGS) if WANTED == "all" else WANTED.split(",") if WANTED else list(ALWAYS)


@pytest.fixture(scope="module")
def trace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The trace of `make`."""
    path = tmp_path_factory.mktemp("main-job") / "trace.vctx"
    assert not record(config_of(DEFAULT_JOB), path, "make", silent).ledger.broken
    return path


def test_names_are_unique_and_survivors_are_known() -> None:
    assert len(BUGS) == len(MUTANTS) + len(REPORTED)
    assert BUGS.keys() >= SURVIVORS


def test_every_reported_bug_can_be_put_in(tmp_path: Path) -> None:
    for number, mutant in enumerate(REPORTED):
        mutant.build(tmp_path / str(number))


@pytest.mark.parametrize("name", CHOSEN)
def test_the_main_job_finds_it_unless_it_is_a_survivor(name: str, trace: Path, tmp_path: Path) -> None:
    mutant: Mutant = BUGS[name]
    found = replay(
        trace,
        sim=DEFAULT_SIM,
        out_dir=tmp_path / "run",
        dlen=DEFAULT_DLEN,
        latency=LATENCY,
        rtl=mutant.build(tmp_path / "rtl"),
        build_root=tmp_path,
    )
    assert (found.mismatch is not None) == (name not in SURVIVORS)
