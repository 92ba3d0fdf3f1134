# SPDX-License-Identifier: Apache-2.0
"""Random programs, each from cocotb's seed: what nobody thought of."""

from __future__ import annotations

import random

import cocotb
from stimuli import BASE, EDGE, EEWS, LMULS, LONG, MODES, fill

from vctx.pymodel.isa import Csr
from vctx.pymodel.scenarios.directed.stimulus import vtype
from vctx.pymodel.trace import PAGE_SHIFT, PAGE_SIZE
from vctx.tb.agents import Bench, InterruptInjector
from vctx.tb.replay.result import Latency

LENGTH = 120  # instructions of a program
LOADS = [f"vle{eew}.v" for eew in EEWS] + [f"vle{eew}ff.v" for eew in EEWS]
STORES = [f"vse{eew}.v" for eew in EEWS]
WHOLE = [f"vl{n}re{eew}.v" for n in (1, 2, 4, 8) for eew in EEWS]
ELEMENTWISE = ["vadd", "vsub", "vand", "vor", "vxor", "vmseq", "vmsne", "vmsltu", "vmslt", "vmsleu", "vmsle"]
MASKS = ["vmand.mm", "vmnand.mm", "vmandn.mm", "vmxor.mm", "vmor.mm", "vmnor.mm", "vmorn.mm", "vmxnor.mm"]


def latency() -> Latency:
    return Latency(random.randrange(20), random.random() < 0.7, random.choice((0, 30, 150)), random.randrange(5))


def address() -> int:
    """Return an address in the first pages, often just before a page boundary."""
    if random.random() < 0.5:
        return EDGE - random.randrange(64)
    return BASE + random.randrange(6 * PAGE_SIZE)


def register(group: int = 1) -> int:
    return random.randrange(32 // group) * group


def configure(bench: Bench) -> None:
    """vset*, most of the time with something legal."""
    if random.random() < 0.1:
        bench.do("vsetvl", rs1=random.getrandbits(8), rs2=random.getrandbits(9))
        return
    code = vtype(random.choice(EEWS), random.choice(list(LMULS)), ta=random.random() < 0.5, ma=random.random() < 0.5)
    bench.do("vsetvli", rd=random.choice((0, 5)), rs1=random.choice((None, 1, 7, 40, 5000)), vtypei=code)


def access(bench: Bench) -> None:
    """A vector load or store; one that was interrupted goes on, mostly."""
    vm = int(random.random() < 0.6)
    align = random.choice((1, 1, 1, 2, 4, 8))
    addr = address() & -align
    kind = random.random()
    if kind < 0.4:
        operands = {"vd": register(2), "vm": vm}
        mnemonic = random.choice(LOADS)
    elif kind < 0.75:
        operands = {"vs3": register(2), "vm": vm}
        mnemonic = random.choice(STORES)
    elif kind < 0.85:
        operands = {"vd": register(8)}
        mnemonic = random.choice(WHOLE)
    elif kind < 0.93:
        operands = {"vs3": register(8)}
        mnemonic = random.choice(("vs1r.v", "vs2r.v", "vs4r.v", "vs8r.v"))
    else:
        operands = {"vd": register()}
        mnemonic = "vlm.v"
    retire = bench.do(mnemonic, rs1=addr, **operands)
    while retire.irq and random.random() < 0.9:
        retire = bench.do(mnemonic, rs1=addr, **operands)
    if retire.trap is not None and random.random() < 0.5:
        bench.csrw(Csr.VSTART, 0)


def compute(bench: Bench) -> None:
    """Arithmetic and moves."""
    vm = int(random.random() < 0.6)
    size = random.choice((1, 2, 8))
    vd, vs2, vs1 = register(size), register(size), register(size)
    kind = random.random()
    if kind < 0.35:
        bench.do(f"{random.choice(ELEMENTWISE)}.vv", vd=vd, vs2=vs2, vs1=vs1, vm=vm)
    elif kind < 0.6:
        bench.do(f"{random.choice(ELEMENTWISE)}.vx", vd=vd, vs2=vs2, rs1=random.getrandbits(64), vm=vm)
    elif kind < 0.7:
        bench.do(random.choice(MASKS), vd=vd, vs2=vs2, vs1=vs1)
    elif kind < 0.8:
        bench.do("vid.v", vd=vd, vm=vm)
    elif kind < 0.9:
        bench.do(f"vmv{random.choice((1, 2, 4, 8))}r.v", vd=register(8), vs2=register(8))
    else:
        bench.do("vmv.x.s", vs2=vs2)


def control(bench: Bench) -> None:
    """A CSR instruction."""
    csr = random.choice((Csr.VSTART, Csr.VXSAT, Csr.VXRM, Csr.VCSR, Csr.VL, Csr.VTYPE, Csr.VLENB))
    mnemonic = random.choice(("csrrw", "csrrs", "csrrc"))
    value = random.choice((None, 0, random.randrange(8)))
    if csr is Csr.VSTART and random.random() < 0.8:
        value = None
    bench.do(mnemonic, csr=csr, rs1=value)


def step(bench: Bench) -> None:
    """One instruction of any kind."""
    random.choices((configure, access, compute, control), (1, 4, 3, 1))[0](bench)


@cocotb.test(**LONG)
@cocotb.parametrize(program=list(range(4)))
async def random_instructions(dut, program):
    async with Bench(dut, latency=latency()) as bench:
        fill(bench, BASE, 6 * PAGE_SIZE)
        configure(bench)
        for _ in range(LENGTH):
            step(bench)


@cocotb.test(**LONG)
@cocotb.parametrize(program=list(range(4)))
async def random_modes_and_states_of_vs(dut, program):
    async with Bench(dut, latency=latency()) as bench:
        fill(bench, BASE, 6 * PAGE_SIZE)
        configure(bench)
        for _ in range(LENGTH):
            bench.mode = random.choice(MODES)
            if random.random() < 0.15:
                bench.status(random.randrange(4), random.randrange(4))
            elif random.random() < 0.15:
                csr = random.choice((Csr.MSTATUS, Csr.SSTATUS, Csr.VSSTATUS))
                mnemonic = random.choice(("csrrw", "csrrs", "csrrc"))
                bench.do(mnemonic, csr=csr, rs1=random.choice((None, random.getrandbits(15) | 0x400)))
            step(bench)


@cocotb.test(**LONG)
@cocotb.parametrize(program=list(range(4)))
async def random_faults_and_interrupts(dut, program):
    interrupts = InterruptInjector(0.3, 48)
    pauses = random.Random(random.getrandbits(32))
    async with Bench(dut, latency=latency(), interrupts=interrupts, gap=lambda: pauses.choice((0, 0, 0, 5))) as bench:
        fill(bench, BASE, 6 * PAGE_SIZE)
        configure(bench)
        for _ in range(LENGTH):
            bench.mode = random.choice(("HS", "U", "VS", "VU"))
            bench.pages.pages.clear()
            if random.random() < 0.4:
                fault = random.choice(("page", "access", "guest" if bench.mode.startswith("V") else "page"))
                bench.pages.fault((EDGE >> PAGE_SHIFT) - random.randrange(2), fault, gpn=random.getrandbits(20))
            step(bench)


@cocotb.test(**LONG)
@cocotb.parametrize(program=list(range(2)))
async def random_words(dut, program):
    """Any word with an opcode of the vector unit: most are illegal, and all must be the same to both."""
    async with Bench(dut, latency=latency()) as bench:
        configure(bench)
        for _ in range(3 * LENGTH):
            bench.mode = random.choice(MODES)
            opcode = random.choice((0x57, 0x57, 0x07, 0x27))
            word = random.getrandbits(25) << 7 | opcode
            if opcode != 0x57:
                word = word & ~0x7000 | random.choice((0, 5, 6, 7)) << 12  # the other widths are floating point
            bench.word(word, rs1=address() if word >> 15 & 31 else 0)
            if random.random() < 0.1:
                bench.csrw(Csr.VSTART, 0)
