# SPDX-License-Identifier: Apache-2.0
"""A share of each campaign in every test run: fixed seeds, and fresh ones."""

from __future__ import annotations

import pytest
from fuzz_seeds import FIXED, fresh

from vctx.tb.jobs.fuzz import VLENS, FuzzConfig, FuzzResult, fuzz


def assert_agreed(result: FuzzResult) -> None:
    for failure in result.failures:
        pytest.fail(f"{failure.report}\nprogram: {failure.program}\nreplay: {failure.replay}")
    assert result.spike.unfinished == result.rtl.unfinished == 0
    assert not [cross.beside for cross in result.crosses if cross.beside]


@pytest.mark.parametrize("vlen", VLENS)
def test_golden_and_spike_agree(vlen: int) -> None:
    result = fuzz(FuzzConfig(5_000, FIXED, (vlen,)))
    assert_agreed(result)
    assert result.spike.instructions >= 5_000


def test_golden_and_spike_agree_on_a_fresh_seed(capsys: pytest.CaptureFixture[str]) -> None:
    seed = fresh(capsys, "vctx fuzz --count 8000")
    assert_agreed(fuzz(FuzzConfig(8_000, seed)))


@pytest.mark.parametrize(("sim", "count", "vlen"), [("verilator", 3_000, 256), ("icarus", 600, 128)])
def test_golden_and_rtl_agree(sim: str, count: int, vlen: int) -> None:
    result = fuzz(FuzzConfig(count, FIXED, (vlen,), spike=False, rtl=True, sim=sim))
    assert_agreed(result)
    assert result.rtl.instructions >= count
    assert {"irq"} <= {point.outcome for point in result.points}


def test_golden_and_rtl_agree_on_a_fresh_seed(capsys: pytest.CaptureFixture[str]) -> None:
    seed = fresh(capsys, "vctx fuzz --count 2000 --rtl --vlen 256")
    assert_agreed(fuzz(FuzzConfig(2_000, seed, (256,), spike=False, rtl=True)))
