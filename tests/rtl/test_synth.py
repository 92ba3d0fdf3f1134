# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path

import pytest

from vctx.tb.ending import execute
from vctx.tb.simulators import synth

Mutate = Callable[[str, str, str], Path]


def test_the_rtl_maps(tmp_path: Path) -> None:
    report = synth.synthesize(128, 64, out_dir=tmp_path)
    assert report.memories == 1
    assert report.block_rams > 0
    assert 0 < report.flip_flops < 128 * 32  # the register file is not among them
    assert 0 < report.levels < 40


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("vctx_vset.sv", "assign vl_o  =", "always_latch if (insn_i[12]) vl_o =", "DLATCH"),
        (
            "vctx_regfile.sv",
            "      if (re_a_i) rdata_a_o[64*b +: 64] <= mem[raddr_a_i];",
            "      if (re_a_i) rdata_a_o[64*b +: 64] <= ~mem[raddr_a_i] + 64'd1;",
            "RAM",
        ),
        ("vctx_vset.sv", "assign vl_o  =", "assign vl_o  = ;", "(?i)error: expected expression"),
    ],
)
def test_what_does_not_map_is_refused(
    mutate: Mutate, tmp_path: Path, file: str, old: str, new: str, message: str
) -> None:
    rtl = mutate(file, old, new)
    with pytest.raises(synth.SynthesisError, match=message):
        synth.synthesize(128, 64, rtl, tmp_path / "out")


def test_a_missing_yosys_is_a_missing_tool(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SystemExit) as end:
        execute(synth.main)
    assert end.value.code == 3
    assert "pip install pyosys" in capsys.readouterr().err
