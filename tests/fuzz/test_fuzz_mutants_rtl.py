# SPDX-License-Identifier: Apache-2.0
"""Tests of the tests: one rule of the RTL is broken; random programs find it, and shrinking shows it."""

from __future__ import annotations

import itertools
import shutil
from pathlib import Path

import pytest

from vctx.pymodel.fuzz.generator import generate, seed_of
from vctx.pymodel.fuzz.shrink import shrink
from vctx.pymodel.places import RTL
from vctx.tb.jobs.fuzz_rtl import RtlJudge, program_of, record

VLEN, DLEN = 128, 64
ENOUGH = 20_000
AT_ONCE = 1_000  # instructions of one trace
SMALL = 10

# rule: file, text, replacement
MUTANTS = {
    "AVL is 64 bits (C-7)": ("vctx_vset.sv", "((avl > 64'(vlmax))", "((avl[31:0] > 32'(vlmax))"),
    "bit 63 of a requested vtype (C-3)": ("vctx_vset.sv", "(request[63:8] != '0)", "(request[62:8] != '0)"),
    "vset* clears vstart (C-10)": (
        "vctx_ctrl.sv",
        "vstart_we_o   = vset_done || vector_done",
        "vstart_we_o   = vector_done",
    ),
    "Dirty at HS level too with V=1 (B-13)": (
        "vctx_status.sv",
        "if (dirty_i) mstatus_vs_q",
        "if (dirty_i && !virt_i) mstatus_vs_q",
    ),
    "vstart of a fault (D-8)": (
        "vctx_lsu.sv",
        "exception ? elem_q[IdxW-1:0] :",
        "exception ? (elem_q[IdxW-1:0] | 1'b1) :",
    ),
    "SD of vsstatus is its own (B-12)": ("vctx_status.sv", "{vsfs_dirty_i ||", "{fs_dirty_i ||"),
    "mask bits of 16-bit elements (E-16)": ("vctx_mask.sv", "e16_bits[j/2]", "e16_bits[j]"),
    "whole registers do not need vtype (D-18)": (
        "vctx_legal.sv",
        "!vill_i || (dec_i.shape == ShapeWholeMem)",
        "!vill_i",
    ),
    "fault-only-first traps at element 0 (D-14)": ("vctx_lsu.sv", "first_fault_i && (elem_q != '0)", "first_fault_i"),
    "mstatus is illegal, not virtual, below M (F-7)": (
        "vctx_status.sv",
        "!csr_prv_ok && (csr_level != 2'd3)",
        "!csr_prv_ok",
    ),
}


@pytest.mark.parametrize("rule", MUTANTS)
def test_a_broken_rule_is_found_and_shrunk(rule: str, tmp_path: Path) -> None:
    file, old, new = MUTANTS[rule]
    rtl = shutil.copytree(RTL, tmp_path / "rtl")
    text = (rtl / file).read_text()
    assert text.count(old) == 1, f"{file}: {old!r} occurs {text.count(old)} times"
    (rtl / file).write_text(text.replace(old, new))
    judge = RtlJudge("icarus", DLEN, tmp_path, rtl, build_root=tmp_path / "build")

    first = compared = 0
    mismatch = None
    while mismatch is None:
        assert compared < ENOUGH, "not found"
        programs = (generate(seed_of(1, VLEN, number), VLEN) for number in itertools.count(first))
        recorded = record(programs, VLEN, tmp_path / "programs.trace", command="", enough=AT_ONCE)
        mismatch = judge.replay(recorded.trace).mismatch
        first, compared = first + recorded.programs, compared + recorded.instructions
    at = program_of(mismatch)
    assert at is not None
    program = generate(seed_of(1, VLEN, first - recorded.programs + at), VLEN)
    small = shrink(program, judge, program.word_at(mismatch.pc))
    assert judge([small]) == 0
    assert len(small.words) <= SMALL
