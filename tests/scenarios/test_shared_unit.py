# SPDX-License-Identifier: Apache-2.0
"""The main job on the golden model: clean where the kernel is, deterministic, and its monitor sees broken kernels."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from spoiling import at_boot, drop, swap

from vctx.pymodel.isa import Hart
from vctx.pymodel.kvm import HostTask, version
from vctx.pymodel.kvm.kernel import Kernel
from vctx.pymodel.kvm.structs import CpuContext
from vctx.pymodel.scenarios.defects import explanations
from vctx.pymodel.scenarios.invariants import INVARIANTS
from vctx.pymodel.scenarios.jobs import JOBS
from vctx.pymodel.scenarios.shared_unit import (
    SharedUnitConfig,
    SharedUnitResult,
    compare_with_eager,
    config_of,
    run_shared_unit,
)
from vctx.pymodel.trace import TraceReader, TraceWriter
from vctx.pymodel.trace.bulk import verify
from vctx.pymodel.trace.file import END_PAYLOAD, FRAME, MAGIC
from vctx.pymodel.trace.recorder import Recorder
from vctx.tb.knobs import MAX_HARTS, MAX_VCPUS, VLENS

SMALL = SharedUnitConfig(pairs=40, entries=200, vlen=128)


def broken(result: SharedUnitResult) -> set[str]:
    return set(result.ledger.broken)


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("vlen", [128, 512])
def test_clean_kernel_keeps_every_invariant(seed: int, vlen: int) -> None:
    config = replace(SMALL, seed=seed, vlen=vlen)
    result, eager = run_shared_unit(config), run_shared_unit(replace(config, eager=True))
    compare_with_eager(result, eager)
    assert result.ledger.violations == []
    assert eager.ledger.violations == []
    assert result.counts["entries"] >= config.entries
    assert result.counts["pairs"] >= config.pairs


@pytest.mark.parametrize("kernel", ["v6.5", "linux-6.12", "linux-7.2", "linux-7.3", "clean"])
def test_eager_hypervisor_is_given_the_same_schedule_where_pairs_end_the_run(kernel: str) -> None:
    """Its own load/put pairs, one for each exit, do not count."""
    config = replace(SMALL, kernel=kernel, pairs=60, entries=20)
    result, eager = run_shared_unit(config), run_shared_unit(config.eagerly())
    compare_with_eager(result, eager)
    assert result.ledger.violations == []
    assert result.counts["pairs"] >= config.pairs
    assert result.counts["entries"] == eager.counts["entries"] > config.entries


def test_full_job_checks_every_invariant_and_runs_every_guest() -> None:
    config = config_of("full", vlen=128)
    result = run_shared_unit(config)
    compare_with_eager(result, run_shared_unit(config.eagerly()))
    assert result.ledger.violations == []
    assert [name for name in INVARIANTS if not result.ledger.checks[name]] == []
    assert result.counts["created"] >= len(JOBS["full"].programs)
    for event in ("preemptions", "migrations", "reset requests", "renewals", "task slices", "swap-outs", "softirqs"):
        assert result.counts[event] > 0, event
    for reason in ("putchar", "redirect", "gstage-fault", "sbi", "timer", "intr"):
        assert result.counts[f"exits: {reason}"] > 0, reason


# SHA-256 of the events of the small job's trace, between header and end frame, as it was before there was another.
SMALL_EVENTS = {
    ("v6.5", 256, 1, 200, 2000): "48a65617ee12fc3e",
    ("linux-7.3", 128, 3, 20, 400): "f29af6a8065fa9ca",
}


@pytest.mark.parametrize(("kernel", "vlen", "seed", "pairs", "entries"), SMALL_EVENTS)
def test_small_job_is_what_the_main_job_was(
    kernel: str, vlen: int, seed: int, pairs: int, entries: int, tmp_path: Path
) -> None:
    config = config_of("small", kernel=kernel, vlen=vlen, seed=seed, pairs=pairs, entries=entries)
    with TraceWriter(tmp_path / "trace", {}) as writer:
        recorder = Recorder(writer, vlen // 8)
        run_shared_unit(config, recorder)
        recorder.finish()
    trace = (tmp_path / "trace").read_bytes()
    first = len(MAGIC) + 4 + int.from_bytes(trace[len(MAGIC) : len(MAGIC) + 4], "little")
    events = trace[first : -FRAME.size - END_PAYLOAD.size]
    assert hashlib.sha256(events).hexdigest()[:16] == SMALL_EVENTS[kernel, vlen, seed, pairs, entries]


@pytest.mark.parametrize("kernel", ["linux-6.12", "linux-7.3", "deferred-maintainer", "clean"])
def test_full_job_holds_on_other_kernels(kernel: str) -> None:
    config = config_of("full", kernel=kernel, vlen=128, pairs=40, entries=600, seed=2)
    result, eager = run_shared_unit(config), run_shared_unit(config.eagerly())
    compare_with_eager(result, eager)
    assert result.ledger.violations == []
    assert eager.ledger.violations == []


@pytest.mark.parametrize(("harts", "vcpus"), [(1, 1), (1, 3), (3, 2)])
def test_other_numbers_of_harts_and_vcpus(harts: int, vcpus: int) -> None:
    assert broken(run_shared_unit(replace(SMALL, harts=harts, vcpus=vcpus))) == set()


@pytest.mark.parametrize("vcpus", [6, MAX_VCPUS])
def test_memory_suffices_for_the_most_that_is_allowed(vcpus: int) -> None:
    config = replace(SMALL, vlen=VLENS[-1], harts=MAX_HARTS, vcpus=vcpus, pairs=1)
    assert broken(run_shared_unit(config)) == set()


def test_same_seed_same_trace(tmp_path: Path) -> None:
    def record(name: str, seed: int) -> bytes:
        with TraceWriter(tmp_path / name, {}) as writer:
            recorder = Recorder(writer, SMALL.vlen // 8)
            run_shared_unit(replace(SMALL, seed=seed), recorder)
            recorder.finish()
        assert verify(TraceReader(tmp_path / name)) == writer.events
        return (tmp_path / name).read_bytes()

    assert record("a", 5) == record("b", 5)
    assert record("c", 6) != record("a", 5)


def test_posted_patch_shows_its_defects() -> None:
    result = run_shared_unit(replace(SMALL, kernel="v12", pairs=100, entries=600))
    assert broken(result) == {"hgatp-kept", "one-reg-round-trip", "self-checks"}
    found = explanations(version.V12, broken(result))
    assert [defect.name for defect in found] == ["S1", "S2", "S7", "S22"]
    assert explanations(version.V6_5, broken(result)) == []


# Mutations of the save and restore routines: each must break what it ought to break.


MUTATIONS: dict[str, Callable[[Kernel], None]] = {
    "vstart is restored before vsetvl (item 10)": lambda k: swap(k, "vector_restore", "vsetvl ", "csrrw zero, vstart"),
    "vcsr is not restored (item 12)": lambda k: drop(k, "vector_restore", "csrrw zero, vcsr"),
    "the last load is missing": lambda k: drop(k, "vector_restore", "vle8.v", 3),
    "the last store is missing": lambda k: drop(k, "vector_save", "vse8.v", 3),
    "vstart is read after vsetvli (item 11)": lambda k: swap(k, "vector_save", "csrrs t0, vstart", "vsetvli"),
    "vl and vtype are not restored": lambda k: drop(k, "vector_restore", "vsetvl "),
    "vcsr is not saved": lambda k: drop(k, "vector_save", "sd t3"),
}


@pytest.mark.parametrize("name", MUTATIONS)
def test_mutated_routines_are_caught(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    at_boot(monkeypatch, MUTATIONS[name])
    found = broken(run_shared_unit(SMALL))
    assert found & {"host-preserved", "guest-transparent", "clean-is-equal", "saved-is-equal"}, found


@pytest.mark.parametrize("kernel", ["v6.5", "linux-7.3", "clean"])
@pytest.mark.parametrize("routine", ["vector_save", "vector_restore"])
def test_a_routine_that_leaves_the_unit_on_is_caught(
    kernel: str, routine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody's registers suffer, and the host runs on with VS Dirty."""

    def keep_on(booted: Kernel) -> None:
        off = "csrrw zero, sstatus" if booted.version.keeps_vs else "csrrc zero, sstatus"
        drop(booted, routine, off)

    at_boot(monkeypatch, keep_on)
    result = run_shared_unit(replace(SMALL, kernel=kernel))
    assert broken(result) == {"unit-left-off"}
    assert explanations(version.by_name(kernel), broken(result)) == []
    first = result.ledger.violations[0]
    assert f"{'save' if routine == 'vector_save' else 'restore'} left VS on" in first.evidence, first


def test_a_task_that_never_becomes_clean_again_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """VS is OR-ed into pt_regs without the old value being cleared: each switch saves what nobody has changed."""

    def set_vs(task: HostTask, hart: Hart, vs: int) -> None:
        task.regs.store(hart, status=task.regs["status"] | vs)

    assert "no-needless-save" not in broken(run_shared_unit(SMALL))
    monkeypatch.setattr(HostTask, "set_vs", set_vs)
    result = run_shared_unit(SMALL)
    assert broken(result) == {"no-needless-save"}
    assert "vstate_save, and nothing had changed" in result.ledger.violations[0].evidence


def test_a_guest_that_never_becomes_clean_again_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    def set_vs(context: CpuContext, hart: Hart, vs: int) -> None:
        context.store(hart, sstatus=context["sstatus"] | vs)

    monkeypatch.setattr(CpuContext, "set_vs", set_vs)
    assert "no-needless-save" in broken(run_shared_unit(SMALL))


def test_saves_and_restores_of_tasks_are_counted() -> None:
    counts = run_shared_unit(SMALL).counts
    for function in ("vstate_save", "vstate_restore"):
        assert 0 < counts[f"moved: {function}"] == counts[function] <= counts["task slices with V"]
