# SPDX-License-Identifier: Apache-2.0
"""Exact cycles of what goes element by element; what goes by rows or whole bursts is as fast as ever."""

from __future__ import annotations

from pathlib import Path

import pytest

from vctx.pymodel.isa import Csr, Hart, HartConfig, Memory, encode
from vctx.pymodel.trace import Mark, TraceWriter
from vctx.pymodel.trace.recorder import Recorder
from vctx.tb.replay.launch import replay
from vctx.tb.replay.result import Latency

BASE, SIZE, FILL = 0x8000_0000, 1 << 20, 0xA5
VLEN = 256
E8M1, E8M8, E16M1, E32M2, E32M8, E64M4 = 0xC0, 0xC3, 0xC8, 0xD1, 0xD3, 0xDA
N = 16

_THREE = {"vd": 8, "vs2": 16, "vs1": 24}
# what: vtype, vl, instruction, operands, x[rs1], x[rs2]; cycles
SERIAL = {
    "widening sum": (E8M1, N, "vwadd.vv", _THREE, 0, 0, 2 * N + 3),
    "widening sum, half as many": (E8M1, N // 2, "vwadd.vv", _THREE, 0, 0, N + 3),
    "extension": (E32M2, N, "vzext.vf4", {"vd": 8, "vs2": 16}, 0, 0, 2 * N + 3),
    "narrowing": (E8M1, N, "vnsrl.wi", {"vd": 8, "vs2": 16, "uimm": 3}, 0, 0, 2 * N + 3),
    "reduction": (E8M1, N, "vredsum.vs", _THREE, 0, 0, 2 * N + 4),
    "reduction of nothing": (E8M1, 0, "vredsum.vs", _THREE, 0, 0, 4),
    "count": (E8M1, N, "vcpop.m", {"rd": 5, "vs2": 16}, 0, 0, 2 * N + 3),
    "search, found at once": (E8M1, N, "vfirst.m", {"rd": 5, "vs2": 24}, 0, 0, 5),
    "slide down": (E8M1, N, "vslidedown.vi", {"vd": 8, "vs2": 16, "uimm": 3}, 0, 0, 2 * N + 3),
    "slide up": (E8M1, N, "vslideup.vi", {"vd": 8, "vs2": 16, "uimm": 3}, 0, 0, 2 * (N - 3) + 3),
    "product, 8 bits": (E8M1, N, "vmul.vv", _THREE, 0, 0, 5 * N + 3),
    "product, 16 bits": (E16M1, N, "vmulh.vv", _THREE, 0, 0, 7 * N + 3),
    "product, 32 bits": (E32M2, N, "vmul.vx", {"vd": 8, "vs2": 16, "rs1": 6}, 7, 0, 11 * N + 3),
    "product, 64 bits": (E64M4, N, "vmulhu.vv", _THREE, 0, 0, 19 * N + 3),
    "product with a sum": (E32M2, N, "vmacc.vv", _THREE, 0, 0, 12 * N + 3),
    "strided load": (E32M8, N, "vlse32.v", {"vd": 8, "rs1": 10, "rs2": 11}, BASE, 8, 5 * N // 2 + 4),
    "strided store": (E32M8, N, "vsse32.v", {"vs3": 8, "rs1": 10, "rs2": 11}, BASE, 8, 2 * N + 6),
}
# by DLEN
ROWS = {
    "sum": (E8M8, VLEN, "vadd.vv", _THREE, 0, 0, {128: 19, 64: 35}),
    "maximum": (E8M8, VLEN, "vmax.vv", _THREE, 0, 0, {128: 19, 64: 35}),
    "shift": (E8M8, VLEN, "vsll.vv", _THREE, 0, 0, {128: 19, 64: 35}),
    "load": (E8M8, VLEN, "vle8.v", {"vd": 8, "rs1": 10}, BASE, 0, {128: 21, 64: 37}),
    "store": (E8M8, VLEN, "vse8.v", {"vs3": 8, "rs1": 10}, BASE, 0, {128: 22, 64: 38}),
}


@pytest.mark.parametrize("dlen", [128, 64])
def test_cycles(dlen: int, tmp_path: Path) -> None:
    rows = {what: (*case, cycles[dlen]) for what, (*case, cycles) in ROWS.items()}
    expected = {what: case[-1] for what, case in (SERIAL | rows).items()}
    trace = tmp_path / "pace.trace"
    header = {"vlen": VLEN, "harts": 1, "seed": 1, "ram_base": BASE, "ram_size": SIZE, "fill": FILL, "command": "-"}
    with TraceWriter(trace, header) as writer:
        recorder = Recorder(writer, VLEN // 8)
        hart = Hart(HartConfig(vlen=VLEN), Memory([(BASE, SIZE)], FILL), 0, recorder)
        hart.reset(BASE)
        hart.inject(encode("csrrw", rd=0, csr=Csr.MSTATUS, rs1=6), 3 << 9)
        hart.inject(encode("vsetvli", rd=5, rs1=0, vtypei=E8M8))
        for group in (0, 8, 16, 24):
            hart.inject(encode("vmv.v.i", vd=group, imm=-1))
        for what, (vtype, vl, mnemonic, operands, rs1, rs2, _) in (SERIAL | rows).items():
            hart.inject(encode("vsetvli", rd=0, rs1=6, vtypei=vtype), vl)
            recorder.event(Mark(0, True, what))
            hart.inject(encode(mnemonic, **operands), rs1, rs2)
            recorder.event(Mark(0, False, what))
            hart.inject(encode("csrrs", rd=5, csr=Csr.VL, rs1=0))
        recorder.finish()
    result = replay(trace, sim="icarus", out_dir=tmp_path, dlen=dlen, latency=Latency())
    assert result.ok, result.mismatch
    assert {count.what: count.cycles for count in result.functions if count.what in expected} == expected
