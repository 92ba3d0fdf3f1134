# SPDX-License-Identifier: Apache-2.0
"""Netlists hold the mutants that are listed, and only what changes nothing is proven equivalent."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from vctx.pymodel.places import RTL
from vctx.tb.mutants.netlists import SELECT, is_equivalent, make


def test_a_module_with_mutants(tmp_path: Path) -> None:
    rtl, work = tmp_path / "rtl", tmp_path / "work"
    mutants = make(rtl, work, vlen=128, dlen=64, count=6, seed=1, modules=("vctx_csr",))
    assert 1 <= len(mutants) <= 6
    assert len({mutant.number for mutant in mutants}) == len(mutants)
    assert all(mutant.where.startswith("vctx_") for mutant in mutants)
    netlist = (rtl / "vctx_csr.sv").read_text()
    assert f"reg [15:0] {SELECT};" in netlist
    assert all(f"{SELECT} == 16'h{mutant.number:04x}" in netlist for mutant in mutants)
    assert (rtl / "vctx_lsu.sv").read_text() == (RTL / "vctx_lsu.sv").read_text()

    real = next(mutant for mutant in mutants if "-mode inv" in mutant.line)
    assert not is_equivalent(real, work)
    assert is_equivalent(replace(real, number=0, line="mutate -mode none"), work)
