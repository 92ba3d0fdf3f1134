# SPDX-License-Identifier: Apache-2.0
"""Hand-made traces: every expected value below is derived from the specification by hand, none by the golden hart."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vctx.pymodel.isa import encode
from vctx.pymodel.trace import (
    PAGE_SHIFT,
    Checkpoint,
    Event,
    Insn,
    Issue,
    Mark,
    Retire,
    Store,
    Sync,
    TraceWriter,
    Trap,
    Xlat,
)

RAM_BASE = 0x8000_0000
RAM_SIZE = 0x1_0000
FILL = 0xA5
VLEN = 128
VLENB = VLEN // 8
HARTS = 2  # of every script, so that one build serves them all

MSTATUS, SSTATUS, VSSTATUS = 0x300, 0x100, 0x200
VSTART, VXSAT, VXRM, VCSR, VL, VTYPE, VLENB_CSR = 0x008, 0x009, 0x00A, 0x00F, 0xC20, 0xC21, 0xC22
VILL = 1 << 63
SD = 1 << 63
OFF, INITIAL, CLEAN, DIRTY = range(4)
VS_SHIFT = 9
E8M1, E8M8, E32M1 = 0xC0, 0xC3, 0xD0  # all ta, ma


def pattern(first: int, length: int) -> bytes:
    """Bytes that differ from their neighbours and from the fill pattern."""
    return bytes((first + 7 * i) & 0xFF for i in range(length))


def identity(addr: int, length: int, **kwargs: int) -> tuple[Xlat, ...]:
    """Answers that map the pages of [addr, addr + length) to themselves."""
    first, last = addr >> PAGE_SHIFT, (addr + length - 1) >> PAGE_SHIFT
    return tuple(Xlat(page, page, **kwargs) for page in range(first, last + 1))


class Script:
    """Builds a trace; keeps the CSR state that an instruction does not mention, and the registers."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._state = [Retire() for _ in range(HARTS)]
        self._regs: list[dict[int, bytes]] = [{} for _ in range(HARTS)]
        self._pc = [0x1000 * (h + 1) for h in range(HARTS)]

    def word(
        self,
        word: int,
        *,
        hart: int = 0,
        rs1: int = 0,
        rs2: int = 0,
        prv: int = 3,
        virt: bool = False,
        fs_dirty: bool = False,
        vsfs_dirty: bool = False,
        irq_elem: int | None = None,
        xlat: tuple[Xlat, ...] = (),
        rd: int | None = None,
        trap: Trap | None = None,
        irq: bool = False,
        vregs: Mapping[int, bytes] | None = None,
        mem: Mapping[int, int] | None = None,
        **state: int,
    ) -> None:
        """Issue a word; what it must do is given by the arguments from `rd` on, and by CSR values that change."""
        base = self._state[hart]._replace(**state)
        self._state[hart] = base
        self._regs[hart].update(vregs or {})
        retire = base._replace(trap=trap, irq=irq, rd=rd, vregs=dict(vregs or {}), mem=dict(mem or {}))
        issue = Issue(word, rs1, rs2, prv, virt, fs_dirty, vsfs_dirty, irq_elem, xlat)
        self.events.append(Insn(hart, self._pc[hart], issue, retire))
        self._pc[hart] += 4

    def insn(self, mnemonic: str, operands: Mapping[str, int], **effects: Any) -> None:
        """Issue an instruction by mnemonic and register operands; see `word`."""
        self.word(encode(mnemonic, **operands), **effects)

    def csrw(self, csr: int, value: int, **effects: Any) -> None:
        self.insn("csrrw", {"rd": 0, "csr": csr, "rs1": 6}, rs1=value, **effects)

    def csrr(self, csr: int, rd: int, **effects: Any) -> None:
        self.insn("csrrs", {"rd": 5, "csr": csr, "rs1": 0}, rd=rd, **effects)

    def on(self, hart: int = 0) -> None:
        """Turn the unit on: mstatus.VS = Initial."""
        self.csrw(MSTATUS, INITIAL << VS_SHIFT, hart=hart, mstatus_vs=INITIAL)

    def vsetvli(self, avl: int, vtypei: int, vl: int, **effects: Any) -> None:
        operands = {"rd": 5, "rs1": 6, "vtypei": vtypei}
        effects = {"rd": vl, "vl": vl, "vtype": vtypei, "vstart": 0, "mstatus_vs": DIRTY} | effects
        self.insn("vsetvli", operands, rs1=avl, **effects)

    def store(self, paddr: int, data: bytes, hart: int = 0) -> None:
        self.events.append(Store(hart, paddr, data))

    def load_group(self, vd: int, addr: int, data: bytes, hart: int = 0, **effects: Any) -> None:
        """vle8.v of whole registers from identity-mapped memory."""
        regs = {vd + i: data[VLENB * i : VLENB * (i + 1)] for i in range(len(data) // VLENB)}
        xlat = identity(addr, len(data))
        self.insn("vle8.v", {"vd": vd, "rs1": 10, "vm": 1}, rs1=addr, xlat=xlat, vregs=regs, hart=hart, **effects)

    def store_group(self, vs3: int, addr: int, data: bytes, hart: int = 0, **effects: Any) -> None:
        """vse8.v of `data`, which the registers hold, to identity-mapped memory."""
        mem = dict(enumerate(data, addr))
        xlat = identity(addr, len(data))
        self.insn("vse8.v", {"vs3": vs3, "rs1": 10, "vm": 1}, rs1=addr, xlat=xlat, mem=mem, hart=hart, **effects)

    def checkpoint(self, hart: int = 0) -> None:
        self.events.append(Checkpoint(hart, self._state[hart]._replace(vregs=dict(self._regs[hart]))))

    def mark(self, enter: bool, what: str, who: str = "", hart: int = 0, regions: Any = ()) -> None:
        self.events.append(Mark(hart, enter, what, who, regions))

    def sync(self) -> None:
        self.events.append(Sync())

    def write(self, path: Path, events: list[Event] | None = None) -> Path:
        """Write the trace (or these events instead of the script's)."""
        return write_trace(path, self.events if events is None else events)


HEADER = {"vlen": VLEN, "harts": HARTS, "seed": 7, "ram_base": RAM_BASE, "ram_size": RAM_SIZE, "fill": FILL}


def write_trace(path: Path, events: list[Event], **header: Any) -> Path:
    """Write a trace with the scripts' header."""
    facts = HEADER | {"scenario": path.stem, "command": f"vctx replay {path.name}"}
    with TraceWriter(path, facts | header) as writer:
        for event in events:
            writer.event(event)
    return path


def csr_script(s: Script) -> None:
    """Vector CSRs and VS: access rules, WARL fields, Dirty, SD (A-3..A-11, B-12, B-13)."""
    word = encode("csrrs", rd=5, csr=VL, rs1=0)
    s.word(word, trap=Trap(2, word))  # VS Off
    s.insn("csrrw", {"rd": 5, "csr": MSTATUS, "rs1": 6}, rs1=INITIAL << VS_SHIFT, rd=0, mstatus_vs=INITIAL)
    s.csrr(VTYPE, VILL)
    s.csrr(VLENB_CSR, VLENB)
    s.csrr(MSTATUS, INITIAL << VS_SHIFT)  # reading is no change (B-10)
    s.insn("csrrwi", {"rd": 5, "csr": VCSR, "uimm": 7}, rd=0, vcsr=7, mstatus_vs=DIRTY)
    s.csrr(VXRM, 3)
    s.csrr(VXSAT, 1)
    s.insn("csrrci", {"rd": 5, "csr": VXRM, "uimm": 2}, rd=3, vcsr=3)
    s.csrw(VXSAT, 0xFE, vcsr=2)  # only bit 0 is stored
    s.csrw(VSTART, 0x1FF, vstart=0x7F)  # log2(VLEN) bits
    s.csrr(MSTATUS, SD | DIRTY << VS_SHIFT)
    word = encode("csrrw", rd=0, csr=VL, rs1=6)
    s.word(word, trap=Trap(2, word))  # read-only
    s.csrw(VSSTATUS, CLEAN << VS_SHIFT, prv=1, vsstatus_vs=CLEAN)
    s.csrw(MSTATUS, CLEAN << VS_SHIFT, mstatus_vs=CLEAN)
    s.csrr(VSSTATUS, SD | CLEAN << VS_SHIFT, prv=1, vsfs_dirty=True)
    s.csrr(SSTATUS, CLEAN << VS_SHIFT, prv=1, virt=True, fs_dirty=True)  # V=1: vsstatus, with its own SD (B-4, B-12)
    word = encode("csrrs", rd=5, csr=VSSTATUS, rs1=0)
    s.word(word, prv=1, virt=True, trap=Trap(22, word))  # F-7
    s.csrw(VXRM, 1, prv=0, virt=True, vcsr=2, mstatus_vs=DIRTY, vsstatus_vs=DIRTY)  # both (B-13)
    s.csrw(SSTATUS, OFF, prv=1, virt=True, vsstatus_vs=OFF)  # the guest's own field only (B-15)
    word = encode("vsetvli", rd=5, rs1=6, vtypei=E8M1)
    s.word(word, rs1=4, prv=1, virt=True, trap=Trap(2, word))  # never cause 22 (B-16)


def vset_script(s: Script) -> None:
    """AVL rules, vill in and out, vset* with vstart (C-2..C-10)."""
    s.on()
    s.vsetvli(100, E8M1, 16)
    s.vsetvli(5, E32M1, 4)
    s.csrw(VSTART, 3, vstart=3)
    s.vsetvli(1 << 63, E8M8, 128)  # unsigned, and vstart <- 0
    s.insn("vsetvli", {"rd": 0, "rs1": 0, "vtypei": E8M8 & ~0xC0}, vtype=E8M8 & ~0xC0)  # same ratio: vl kept
    s.insn("vsetivli", {"rd": 0, "uimm": 0, "vtypei": E8M1}, vl=0, vtype=E8M1)
    s.insn("vsetvli", {"rd": 5, "rs1": 0, "vtypei": E8M1}, rd=16, vl=16)
    s.insn("vsetvl", {"rd": 5, "rs1": 6, "rs2": 7}, rs1=9, rs2=1 << 8 | E8M1, rd=0, vl=0, vtype=VILL)  # C-3
    word = encode("vle8.v", vd=8, rs1=10, vm=1)
    s.word(word, rs1=RAM_BASE, trap=Trap(2, word))
    s.insn("vsetvl", {"rd": 5, "rs1": 6, "rs2": 7}, rs1=9, rs2=E8M1, rd=9, vl=9, vtype=E8M1)
    s.insn("vsetvl", {"rd": 5, "rs1": 6, "rs2": 7}, rs1=9, rs2=VILL, rd=0, vl=0, vtype=VILL)


def memory_script(s: Script) -> None:
    """Loads and stores: page crossing, another physical page, tail undisturbed, masked, whole registers (D)."""
    s.on()
    s.store(RAM_BASE + 0x100, pattern(1, 64))
    s.vsetvli(16, E8M1, 16)
    s.load_group(8, RAM_BASE + 0x103, pattern(1, 64)[3:19])
    v8 = pattern(1, 64)[3:19]
    s.store_group(8, RAM_BASE + 0x1FF9, v8)  # 7 bytes in one page, 9 in the next
    s.load_group(9, RAM_BASE + 0x1FF9, v8)
    va, page = 0x4000_0FF8, (RAM_BASE >> PAGE_SHIFT) + 5  # two virtual pages in swapped physical order
    xlat = (Xlat(va >> PAGE_SHIFT, page), Xlat((va >> PAGE_SHIFT) + 1, page - 2))
    low, high = (page << PAGE_SHIFT) + 0xFF8, (page - 2) << PAGE_SHIFT
    mem = dict(enumerate(v8[:8], low)) | dict(enumerate(v8[8:], high))
    s.insn("vse8.v", {"vs3": 8, "rs1": 10, "vm": 1}, rs1=va, prv=1, xlat=xlat, mem=mem)
    s.vsetvli(3, E32M1, 3)
    v10 = pattern(1, 64)[4:16] + v8[12:]  # the last element is tail
    s.insn("vmv1r.v", {"vd": 10, "vs2": 8}, vregs={10: v8})
    addr = RAM_BASE + 0x104
    s.insn("vle32.v", {"vd": 10, "rs1": 10, "vm": 1}, rs1=addr, xlat=identity(addr, 12), vregs={10: v10})
    s.insn("vmv1r.v", {"vd": 0, "vs2": 8}, vregs={0: v8})
    s.insn("vmv.v.i", {"vd": 0, "imm": 5}, vregs={0: (5).to_bytes(4, "little") * 3 + v8[12:]})
    mem = dict(enumerate(v10[:4], RAM_BASE + 0x3000)) | dict(enumerate(v10[8:12], RAM_BASE + 0x3008))
    xlat = identity(RAM_BASE + 0x3000, 12)
    s.insn("vse32.v", {"vs3": 10, "rs1": 10, "vm": 0}, rs1=RAM_BASE + 0x3000, xlat=xlat, mem=mem)
    addr = RAM_BASE + 0x100
    regs = {24: pattern(1, 64)[:16], 25: pattern(1, 64)[16:32]}
    s.insn("vl2re8.v", {"vd": 24, "rs1": 10}, rs1=addr, xlat=identity(addr, 32), vregs=regs)
    addr = RAM_BASE + 0x3801
    mem = dict(enumerate(regs[24] + regs[25], addr))
    s.insn("vs2r.v", {"vs3": 24, "rs1": 10}, rs1=addr, xlat=identity(addr, 32), mem=mem)


def context_script(s: Script) -> None:
    """Save and restore of a whole context the way hypervisors do it, with marks (C-14, G-6)."""
    size = 32 * VLENB
    guest, host = pattern(3, size), pattern(0x51, size)
    area, other = RAM_BASE + 0x2000, RAM_BASE + 0x2400
    s.store(area, guest)
    s.store(other, host)
    s.on()

    def switch(load: bool, where: int, data: bytes) -> None:
        s.vsetvli(1 << 20, E8M8, 128)
        for group in range(4):
            part = data[128 * group : 128 * (group + 1)]
            (s.load_group if load else s.store_group)(8 * group, where + 128 * group, part)

    s.mark(True, "vcpu_load", "vcpu0")
    s.mark(True, "guest_vector_restore", "vcpu0", regions=(("guest_datap", area, size), ("host_datap", other, size)))
    switch(True, area, guest)
    s.insn("vsetvl", {"rd": 0, "rs1": 6, "rs2": 7}, rs1=4, rs2=E32M1, vl=4, vtype=E32M1)
    s.csrw(VSTART, 2, vstart=2)
    s.csrw(VCSR, 5, vcsr=5)
    s.csrw(MSTATUS, CLEAN << VS_SHIFT, mstatus_vs=CLEAN)
    s.mark(False, "guest_vector_restore", "vcpu0")
    s.mark(False, "vcpu_load", "vcpu0")
    s.checkpoint()
    s.mark(True, "guest_vector_save", "vcpu0", regions=(("guest_datap", area, size), ("tail", area + 500, 4)))
    s.csrr(VSTART, 2)
    s.csrr(VTYPE, E32M1)
    s.csrr(VL, 4)
    s.csrr(VCSR, 5)
    s.csrw(VSTART, 0, vstart=0, mstatus_vs=DIRTY)
    s.insn("vadd.vi", {"vd": 4, "vs2": 4, "imm": 1, "vm": 1}, vregs={4: _add32(guest[64:80], 1)})
    changed = guest[:64] + _add32(guest[64:80], 1) + guest[80:]
    switch(False, area, changed)
    s.mark(False, "guest_vector_save", "vcpu0")
    s.mark(True, "host_vector_restore", "host", regions=(("host_datap", other, size),))
    switch(True, other, host)
    s.mark(False, "host_vector_restore", "host")
    s.checkpoint()


def _add32(data: bytes, addend: int) -> bytes:
    words = (int.from_bytes(data[i : i + 4], "little") + addend & 0xFFFFFFFF for i in range(0, len(data), 4))
    return b"".join(word.to_bytes(4, "little") for word in words)


def fault_script(s: Script) -> None:
    """Precise faults and interrupts of loads and stores (D-8, D-9, D-12, D-14; architecture: irq)."""
    s.on()
    data = pattern(9, 32)
    start = RAM_BASE + 0x1FFA  # six bytes before the end of a page
    s.store(start, data[:6])
    s.store(RAM_BASE + 0x2000, data[6:16])
    s.vsetvli(16, E8M1, 16)
    s.load_group(8, start, data[:16])
    first, second = start >> PAGE_SHIFT, (start >> PAGE_SHIFT) + 1
    good, bad = Xlat(first, first), Xlat(second, fault=13)
    v9 = pattern(0x40, 16)
    s.store(RAM_BASE + 0x100, v9)
    s.load_group(9, RAM_BASE + 0x100, v9)
    # page fault at element 6: the elements before it are loaded, vstart says where to resume
    regs = {9: data[:6] + v9[6:]}
    load = {"vd": 9, "rs1": 10, "vm": 1}
    s.insn("vle8.v", load, rs1=start, xlat=(good, bad), vregs=regs, trap=Trap(13, start + 6), vstart=6)
    s.insn("vle8.v", load, rs1=start, xlat=identity(start + 6, 10), vregs={9: data[:16]}, vstart=0)
    # guest-page fault of a store, at VS level: nothing of the second page is written; tval2 is the GPA >> 2
    s.csrw(VSSTATUS, INITIAL << VS_SHIFT, prv=1, vsstatus_vs=INITIAL)
    guest_fault = Xlat(second, fault=23, gpn=0x77777)
    mem = dict(enumerate(data[:6], start))
    trap = Trap(23, start + 6, (0x77777 << PAGE_SHIFT) >> 2)
    store = {"vs3": 9, "rs1": 10, "vm": 1}
    mode = {"prv": 1, "virt": True}
    s.insn(
        "vse8.v", store, rs1=start, **mode, xlat=(good, guest_fault), mem=mem, trap=trap, vstart=6, vsstatus_vs=DIRTY
    )
    s.csrw(VSTART, 0, vstart=0)
    # fault-only-first trims vl
    ff_regs = {8: data[:6] + data[6:16]}
    s.insn("vle8ff.v", {"vd": 8, "rs1": 10, "vm": 1}, rs1=start, xlat=(good, bad), vregs=ff_regs, vl=6)
    s.vsetvli(4, E32M1, 4)
    # misaligned elements trap at the first active one
    s.insn("vle32.v", load, rs1=RAM_BASE + 2, xlat=identity(RAM_BASE + 2, 16), trap=Trap(4, RAM_BASE + 2))
    s.insn("vse32.v", store, rs1=RAM_BASE + 2, xlat=identity(RAM_BASE + 2, 16), trap=Trap(6, RAM_BASE + 2))
    # an interrupt stops a store at an element boundary; the instruction then resumes
    s.vsetvli(16, E8M1, 16)
    addr = RAM_BASE + 0x400
    xlat = identity(addr, 16)
    s.insn("vse8.v", store, rs1=addr, irq_elem=5, xlat=xlat, mem=dict(enumerate(data[:5], addr)), irq=True, vstart=5)
    s.insn("vse8.v", store, rs1=addr, xlat=xlat, mem=dict(enumerate(data[5:16], addr + 5)), vstart=0)
    s.csrr(VL, 16, irq_elem=0)  # ignored by everything but vector memory instructions


def two_hart_script(s: Script) -> None:
    """Two harts in parallel; a `Sync` orders the store of one before the load of the other."""
    for hart in range(HARTS):
        s.on(hart)
        s.vsetvli(16, E8M1, 16, hart=hart)
        s.store(RAM_BASE + 0x1000 * hart, pattern(hart, 16), hart)
    s.sync()
    for hart in range(HARTS):
        s.load_group(1, RAM_BASE + 0x1000 * hart, pattern(hart, 16), hart)
        s.store_group(1, RAM_BASE + 0x1000 * hart + 0x80, pattern(hart, 16), hart)
    s.sync()
    for hart in range(HARTS):
        s.load_group(2, RAM_BASE + 0x1000 * (1 - hart) + 0x80, pattern(1 - hart, 16), hart)


_STRIDE_VA, STRIDE = 0x4000_0020, 0xFFF  # every element is on a page of its own


def stride_pages() -> tuple[list[Xlat], list[int]]:
    """Return the pages of sixteen elements STRIDE apart, the last page first in memory, and the elements' addresses."""
    frames = RAM_BASE >> PAGE_SHIFT
    addresses = [_STRIDE_VA + i * STRIDE for i in range(16)]
    pages = [Xlat(va >> PAGE_SHIFT, frames + 15 - (va - _STRIDE_VA >> PAGE_SHIFT)) for va in addresses]
    return pages, [page.ppn << PAGE_SHIFT | va & 0xFFF for page, va in zip(pages, addresses, strict=True)]


def stride_script(s: Script) -> None:
    """Strided loads and stores with more pages than a record holds: forth, back, in one place, faults, irqs (D-24)."""
    s.on()
    pages, places = stride_pages()
    assert len({page.vpn for page in pages}) == 16
    data = pattern(0x33, 16)
    for place, byte in zip(places, data, strict=True):
        s.store(place, bytes([byte]))
    s.vsetvli(16, E8M1, 16)
    load, mode = {"vd": 8, "rs1": 10, "rs2": 11, "vm": 1}, {"prv": 1}
    s.insn("vlse8.v", load, rs1=_STRIDE_VA, rs2=STRIDE, **mode, xlat=tuple(pages), vregs={8: data})
    last, back = _STRIDE_VA + 15 * STRIDE, (1 << 64) - STRIDE
    store = {"vs3": 8, "rs1": 10, "rs2": 11, "vm": 1}
    mem = dict(zip(reversed(places), data, strict=True))
    s.insn("vsse8.v", store, rs1=last, rs2=back, **mode, xlat=tuple(reversed(pages)), mem=mem)
    s.insn("vlse8.v", load | {"vd": 9}, rs1=_STRIDE_VA, rs2=STRIDE, **mode, xlat=tuple(pages), vregs={9: data[::-1]})
    # all elements in one place: the last one stays; and a load of it fills the register
    s.vsetvli(4, E32M1, 4)
    at = RAM_BASE + 0x2004
    s.insn("vsse32.v", store, rs1=at, rs2=0, xlat=identity(at, 4), mem=dict(enumerate(data[12:], at)))
    s.insn("vlse32.v", load | {"vd": 10}, rs1=at, rs2=0, xlat=identity(at, 4), vregs={10: data[12:] * 4})
    # a fault at element 9, then the rest; a stop at element 3, then the rest
    s.vsetvli(16, E8M1, 16)
    bad = [*pages[:9], Xlat(pages[9].vpn, fault=13), *pages[10:]]
    trap = Trap(13, _STRIDE_VA + 9 * STRIDE)
    access = {"rs1": _STRIDE_VA, "rs2": STRIDE} | mode
    regs = {10: data[:-10:-1] + (data[12:] * 4)[9:]}
    s.insn("vlse8.v", load | {"vd": 10}, **access, xlat=tuple(bad), vregs=regs, trap=trap, vstart=9)
    s.insn("vlse8.v", load | {"vd": 10}, **access, xlat=tuple(pages[9:]), vregs={10: data[::-1]}, vstart=0)
    s.insn(
        "vsse8.v",
        store,
        **access,
        irq_elem=3,
        xlat=tuple(pages),
        mem=dict(zip(places[:3], data[:3], strict=True)),
        irq=True,
        vstart=3,
    )
    mem = dict(zip(places[3:], data[3:], strict=True))
    s.insn("vsse8.v", store, **access, xlat=tuple(pages[3:]), mem=mem, vstart=0)
    # misaligned at element 1, where the stride leads
    s.vsetvli(4, E32M1, 4)
    at = RAM_BASE + 0x3000
    mem = dict(enumerate(data[:4], at))
    s.insn("vsse32.v", store, rs1=at, rs2=5, xlat=identity(at, 20), mem=mem, trap=Trap(6, at + 5), vstart=1)
    s.csrw(VSTART, 0, vstart=0)


def bus_script(s: Script) -> None:
    """Everything that uses the bus, one after the other."""
    memory_script(s)
    stride_script(s)
    fault_script(s)
    context_script(s)
    two_hart_script(s)


_SCRIPTS = {
    "csr": csr_script,
    "vset": vset_script,
    "memory": memory_script,
    "context": context_script,
    "fault": fault_script,
    "stride": stride_script,
    "two_harts": two_hart_script,
    "bus": bus_script,
}
NAMES = tuple(_SCRIPTS)


def script(name: str) -> Script:
    """Return a script by name."""
    s = Script()
    _SCRIPTS[name](s)
    return s
