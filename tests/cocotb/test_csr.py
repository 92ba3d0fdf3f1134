# SPDX-License-Identifier: Apache-2.0
"""CSR instructions: what each mode may access, what they read and write (A-1 to A-6, B-3, B-4, F-7)."""

from __future__ import annotations

import cocotb
from stimuli import ILLEGAL, LIMIT, MODES, VIRTUAL, cause

from vctx.pymodel.isa import Csr
from vctx.pymodel.scenarios.directed.stimulus import SD, VS_SHIFT
from vctx.tb.agents import Bench

WRITABLE = (Csr.VSTART, Csr.VXSAT, Csr.VXRM, Csr.VCSR)
READ_ONLY = (Csr.VL, Csr.VTYPE, Csr.VLENB)
VS = 3 << VS_SHIFT


@cocotb.test(**LIMIT)
@cocotb.parametrize(mode=list(MODES))
async def vector_csrs_are_for_every_mode(dut, mode):
    async with Bench(dut) as bench:
        bench.vset(16, "m2", 9)
        bench.mode = mode
        for csr in WRITABLE:
            assert cause(bench.csrw(csr, 1)) is None
        for csr in WRITABLE + READ_ONLY:
            assert bench.csrr(csr) is not None


@cocotb.test(**LIMIT)
@cocotb.parametrize(mode=list(MODES))
async def vl_vtype_and_vlenb_are_read_only(dut, mode):
    async with Bench(dut) as bench:
        bench.mode = mode
        for csr in READ_ONLY:
            assert cause(bench.csrw(csr, 1)) == ILLEGAL
            assert cause(bench.do("csrrs", csr=csr, rs1=0)) == ILLEGAL  # x10 is 0, but it is not x0


@cocotb.test(**LIMIT)
async def vlenb_is_vlen_in_bytes(dut):
    async with Bench(dut) as bench:
        assert bench.csrr(Csr.VLENB) == bench.vlenb


@cocotb.test(**LIMIT)
@cocotb.parametrize(mode=list(MODES))
async def mstatus_is_for_machine_mode(dut, mode):
    async with Bench(dut) as bench:
        bench.mode = mode
        assert cause(bench.do("csrrs", csr=Csr.MSTATUS, rs1=None)) == (None if mode == "M" else ILLEGAL)
        assert cause(bench.csrw(Csr.MSTATUS, VS)) == (None if mode == "M" else ILLEGAL)


@cocotb.test(**LIMIT)
@cocotb.parametrize(mode=list(MODES))
async def sstatus_is_for_supervisors(dut, mode):
    async with Bench(dut) as bench:
        bench.mode = mode
        wanted = {"U": ILLEGAL, "VU": VIRTUAL}.get(mode)
        assert cause(bench.do("csrrs", csr=Csr.SSTATUS, rs1=None)) == wanted
        assert cause(bench.csrw(Csr.SSTATUS, VS)) == wanted


@cocotb.test(**LIMIT)
@cocotb.parametrize(mode=list(MODES))
async def vsstatus_is_for_hypervisors(dut, mode):
    async with Bench(dut) as bench:
        bench.mode = mode
        wanted = {"U": ILLEGAL, "VS": VIRTUAL, "VU": VIRTUAL}.get(mode)
        assert cause(bench.do("csrrs", csr=Csr.VSSTATUS, rs1=None)) == wanted
        assert cause(bench.csrw(Csr.VSSTATUS, VS)) == wanted


@cocotb.test(**LIMIT)
async def set_and_clear_change_the_bits_given(dut):
    async with Bench(dut) as bench:
        bench.csrw(Csr.VCSR, 0b101)
        assert bench.do("csrrs", csr=Csr.VCSR, rs1=0b011).vcsr == 0b111
        assert bench.do("csrrc", csr=Csr.VCSR, rs1=0b101).vcsr == 0b010
        assert bench.do("csrrw", csr=Csr.VCSR, rs1=0b100).rd == 0b010


@cocotb.test(**LIMIT)
async def immediates_are_five_bits_and_unsigned(dut):
    async with Bench(dut) as bench:
        for uimm in (1, 16, 31):
            assert bench.do("csrrwi", csr=Csr.VSTART, uimm=uimm).vstart == uimm
            assert bench.do("csrrci", csr=Csr.VSTART, uimm=1).vstart == uimm & ~1
            assert bench.do("csrrsi", csr=Csr.VSTART, uimm=2).vstart == uimm & ~1 | 2


@cocotb.test(**LIMIT)
async def vcsr_is_vxrm_and_vxsat(dut):
    async with Bench(dut) as bench:
        for value in range(8):
            assert bench.csrw(Csr.VCSR, value).vcsr == value
            assert (bench.csrr(Csr.VXRM), bench.csrr(Csr.VXSAT)) == (value >> 1, value & 1)
        bench.csrw(Csr.VCSR, 0)
        assert bench.csrw(Csr.VXRM, 2).vcsr == 4
        assert bench.csrw(Csr.VXSAT, 1).vcsr == 5


@cocotb.test(**LIMIT)
@cocotb.parametrize(csr=["VSTART", "VXSAT", "VXRM", "VCSR"])
async def bits_that_do_not_exist_read_zero(dut, csr):
    async with Bench(dut) as bench:
        bench.csrw(Csr[csr], (1 << 64) - 1)
        assert bench.csrr(Csr[csr]) == {"VSTART": bench.vlen - 1, "VXSAT": 1, "VXRM": 3, "VCSR": 7}[csr]


@cocotb.test(**LIMIT)
async def nothing_is_written_to_x0(dut):
    async with Bench(dut) as bench:
        bench.csrw(Csr.VCSR, 5)
        assert bench.do("csrrs", rd=0, csr=Csr.VCSR, rs1=None).rd is None


@cocotb.test(**LIMIT)
async def a_status_register_shows_vs_and_sd_only(dut):
    async with Bench(dut) as bench:
        for vs in range(4):
            bench.do("csrrw", rd=0, csr=Csr.MSTATUS, rs1=vs << VS_SHIFT)
            assert bench.csrr(Csr.MSTATUS) == vs << VS_SHIFT | (SD if vs == 3 else 0)


@cocotb.test(**LIMIT)
@cocotb.parametrize(mode=["M", "HS"])
async def sd_follows_fs_of_the_same_register(dut, mode):
    async with Bench(dut) as bench:
        bench.do("csrrw", rd=0, csr=Csr.MSTATUS, rs1=3 << 13)  # FS Dirty
        bench.do("csrrw", rd=0, csr=Csr.VSSTATUS, rs1=0)
        bench.mode = mode
        assert bench.csrr(Csr.SSTATUS) == SD
        assert bench.csrr(Csr.VSSTATUS) == 0
        bench.do("csrrw", rd=0, csr=Csr.VSSTATUS, rs1=3 << 13)
        assert bench.csrr(Csr.VSSTATUS) == SD


@cocotb.test(**LIMIT)
async def sd_cannot_be_written(dut):
    async with Bench(dut) as bench:
        for csr in (Csr.MSTATUS, Csr.SSTATUS, Csr.VSSTATUS):
            bench.csrw(csr, SD)
            assert bench.csrr(csr) == 0


@cocotb.test(**LIMIT)
async def sstatus_of_a_guest_is_vsstatus(dut):
    async with Bench(dut) as bench:
        bench.status(1, 3)
        bench.mode = "VS"
        assert bench.csrr(Csr.SSTATUS) == 3 << VS_SHIFT | SD
        assert bench.csrw(Csr.SSTATUS, 2 << VS_SHIFT).vsstatus_vs == 2
        assert bench.csrr(Csr.SSTATUS) == 2 << VS_SHIFT
        bench.mode = "HS"
        assert bench.csrr(Csr.SSTATUS) == 1 << VS_SHIFT


@cocotb.test(**LIMIT)
async def virt_does_not_count_in_machine_mode(dut):
    async with Bench(dut) as bench:
        bench.status(1, 2)
        insn = bench.golden.execute(0x10002573)  # csrrs a0, sstatus, x0
        insn.issue = insn.issue._replace(virt=True)  # MPRV and the like: there is no such mode, so V is ignored
        bench.hand_over(insn)
