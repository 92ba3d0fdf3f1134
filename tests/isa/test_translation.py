# SPDX-License-Identifier: Apache-2.0
"""Sv39, Sv39x4 and both together, with Svade; SUM, MXR, MPRV, hlv; fault reporting (D-9, F-3, F-4)."""

from __future__ import annotations

import pytest
from rig import BASE, HOLE, MODES, Rig, vtype

from vctx.pymodel.isa import Csr, encode
from vctx.pymodel.isa.errors import ArchTrap
from vctx.pymodel.isa.mmu import Access
from vctx.pymodel.trace import Xlat

V, R, W, X, U, G, A, D = (1 << i for i in range(8))
RWX = V | R | W | X | A | D
SUM, MXR, MPRV, MPV, GVA = 1 << 18, 1 << 19, 1 << 17, 1 << 39, 1 << 38
SV39 = 8 << 60
ROOT, GROOT = BASE + 0x4_0000, BASE + 0x8_0000  # page tables of VS or HS, and of the G stage
VA = 0x30_0000_1000  # vpn2 = 0xC0, vpn1 = 0, vpn0 = 1
PA = BASE + 0x1_0000
GPA = 0x2_0000_5000


class Tables:
    """Page tables built one 4 KiB leaf at a time."""

    def __init__(self, rig: Rig, root: int, *, g_stage: bool = False) -> None:
        self.memory, self.root = rig.memory, root
        self.top_bits = 11 if g_stage else 9
        root_size = 0x4000 if g_stage else 0x1000
        rig.memory.write(root, bytes(0x2_0000))
        self.free = root + root_size

    def slot(self, va: int, level: int) -> int:
        """Return the address of the PTE of `va` at `level`, with the tables above it in place."""
        table = self.root
        for at in range(2, level, -1):
            pte = table + 8 * self._index(va, at)
            if not self.memory.load(pte, 8) & V:
                self.memory.store(pte, 8, self.free >> 12 << 10 | V)
                self.free += 0x1000
            table = self.memory.load(pte, 8) >> 10 << 12
        return table + 8 * self._index(va, level)

    def map(self, va: int, pa: int, flags: int, level: int = 0) -> int:
        pte = self.slot(va, level)
        self.memory.store(pte, 8, pa >> 12 << 10 | flags)
        return pte

    def _index(self, va: int, level: int) -> int:
        bits = self.top_bits if level == 2 else 9
        return va >> 12 + 9 * level & (1 << bits) - 1


def _hs(flags: int, level: int = 0, pa: int = PA) -> Rig:
    """Return a rig whose satp maps VA to `pa` with `flags`."""
    rig = Rig()
    Tables(rig, ROOT).map(VA, pa, flags, level)
    rig.csr[Csr.SATP] = SV39 | ROOT >> 12
    rig.csr[Csr.MEDELEG] = 0xFC_B7FE
    return rig


def _access(rig: Rig, mode: str, access: Access, va: int) -> int:
    """Access `va` in `mode` and return the cause, 0 for none."""
    rig.mode(mode)
    try:
        rig.hart.mmu.page(va, access)
    except ArchTrap as trap:
        return trap.cause
    return 0


_LEAVES = [
    # (flags, mode, sum and mxr bits, fetch, load, store)
    (RWX, "HS", 0, 0, 0, 0),
    (RWX, "U", 0, 12, 13, 15),
    (RWX | U, "U", 0, 0, 0, 0),
    (RWX | U, "HS", 0, 12, 13, 15),
    (RWX | U, "HS", SUM, 12, 0, 0),
    (RWX & ~A, "HS", 0, 12, 13, 15),
    (RWX & ~D, "HS", 0, 0, 0, 15),
    (RWX & ~(W | D), "HS", 0, 0, 0, 15),
    (V | X | A, "HS", 0, 0, 13, 15),
    (V | X | A, "HS", MXR, 0, 0, 15),
    (V | R | A | D, "HS", 0, 12, 0, 15),
    (RWX & ~R, "HS", MXR, 12, 13, 15),
    (RWX & ~V, "HS", 0, 12, 13, 15),
    (RWX | 1 << 63, "HS", 0, 12, 13, 15),
    (RWX | 1 << 54, "HS", 0, 12, 13, 15),
    (V, "HS", 0, 12, 13, 15),
]  # fmt: skip


@pytest.mark.parametrize(("flags", "mode", "status", "fetch", "load", "store"), _LEAVES)
def test_leaf_permissions(flags: int, mode: str, status: int, fetch: int, load: int, store: int) -> None:
    rig = _hs(flags)
    rig.csr[Csr.MSTATUS] = rig.csr[Csr.MSTATUS] | status
    found = tuple(_access(rig, mode, access, VA) for access in ("fetch", "load", "store"))
    assert found == (fetch, load, store)


@pytest.mark.parametrize(
    ("level", "pa", "cause"), [(1, BASE, 0), (1, PA, 13), (2, 2 << 30, 0), (2, BASE + 0x20_0000, 13)]
)
def test_superpages(level: int, pa: int, cause: int) -> None:
    rig = _hs(RWX, level, pa)
    assert _access(rig, "HS", "load", VA) == cause
    if not cause:
        offset = VA & (1 << 12 + 9 * level) - 1
        rig.mode("HS")
        assert rig.hart.mmu.page(VA, "load") == pa + offset


@pytest.mark.parametrize("bit", [A, D, U])
def test_reserved_bits_of_a_pointer_fault(bit: int) -> None:
    rig = Rig()
    tables = Tables(rig, ROOT)
    tables.map(VA, PA, RWX)
    pte = tables.slot(VA, 1)
    rig.memory.store(pte, 8, rig.memory.load(pte, 8) | bit)
    rig.csr[Csr.SATP] = SV39 | ROOT >> 12
    assert _access(rig, "HS", "load", VA) == 13


@pytest.mark.parametrize("va", [1 << 38, 1 << 39, (1 << 64) - (1 << 39), 1 << 63])
def test_non_canonical_addresses_fault(va: int) -> None:
    rig = _hs(RWX)
    assert _access(rig, "HS", "load", va) == 13
    assert _access(rig, "M", "load", va) == 5  # no translation in M-mode: there is no memory


def test_a_page_table_outside_memory_is_an_access_fault() -> None:
    rig = Rig()
    rig.csr[Csr.SATP] = SV39 | HOLE >> 12
    assert [_access(rig, "HS", access, VA) for access in ("fetch", "load", "store")] == [1, 5, 7]


def test_mprv_uses_mpp_and_mpv() -> None:
    rig = _hs(RWX | U)
    rig.x[10] = VA
    rig.memory.store(PA, 8, 99)
    rig.csr[Csr.MSTATUS] = 3 << 9 | MPRV  # MPP = U
    rig.step("ld", rd=11, rs1=10, imm=0)
    assert rig.x[11] == 99
    rig.csr[Csr.MSTATUS] = 3 << 9 | MPRV | MPV  # vsatp is Bare: VA is a physical address, and there is no memory
    rig.step("ld", rd=11, rs1=10, imm=0)
    assert rig.trapped() == ("M", 5, VA)
    assert rig.csr[Csr.MSTATUS] & GVA


def test_mprv_redirects_vector_memory_but_not_the_vs_check() -> None:
    """B-14: with MPRV and MPV set, vsstatus.VS neither blocks nor is dirtied."""
    rig = Rig()
    rig.set_vs(2, 0)
    rig.csr[Csr.MSTATUS] = rig.csr[Csr.MSTATUS] | MPRV | MPV | 1 << 11
    rig.vset(vtype(8))
    rig.x[10] = PA
    retire = rig.block("vle8.v", vd=8, rs1=10)
    assert (retire.trap, retire.mstatus_vs, retire.vsstatus_vs) == (None, 3, 0)


def test_translations_are_cached_until_sfence() -> None:
    rig = Rig()
    tables = Tables(rig, ROOT)
    tables.map(VA, PA, RWX)
    rig.csr[Csr.SATP] = SV39 | ROOT >> 12
    assert _access(rig, "HS", "load", VA) == 0
    tables.map(VA, PA, 0)
    assert _access(rig, "HS", "load", VA) == 0
    rig.mode("M")
    rig.step("sfence.vma", rs1=0, rs2=0)
    assert _access(rig, "HS", "load", VA) == 13


# --- two stages ---


class Guest:
    """VS maps VA to GPA, the G stage maps GPA to PA; the VS tables lie at guest-physical = physical addresses."""

    def __init__(self, vs_flags: int = RWX, g_flags: int = RWX | U) -> None:
        self.rig = Rig()
        self.vs = Tables(self.rig, ROOT)
        self.pte = self.vs.map(VA, GPA, vs_flags)
        self.g = Tables(self.rig, GROOT, g_stage=True)
        for page in range(ROOT, ROOT + 0x8000, 0x1000):
            self.g.map(page, page, RWX | U)
        self.g.map(BASE, BASE, RWX | U)
        self.g.map(GPA, PA, g_flags)
        self.vs.map(BASE, BASE, RWX)  # the code
        self.rig.csr[Csr.VSATP] = SV39 | ROOT >> 12
        self.rig.csr[Csr.HGATP] = SV39 | GROOT >> 12
        self.rig.csr[Csr.MEDELEG] = 0xFC_B7FE
        self.rig.mode("VS")


def test_both_stages_translate() -> None:
    guest = Guest()
    rig = guest.rig
    rig.memory.store(PA + 8, 8, 1234)
    rig.x[10] = VA
    rig.step("ld", rd=11, rs1=10, imm=8)
    assert rig.x[11] == 1234
    rig.vset(vtype(8), 4)
    rig.block("vse8.v", vs3=8, rs1=10)
    assert rig.issue.xlat == (Xlat(VA >> 12, PA >> 12),)
    assert set(rig.insns[-1][2].mem) == {PA + i for i in range(4)}


@pytest.mark.parametrize(
    ("g_flags", "fetch", "load", "store"),
    [
        (RWX | U, 0, 0, 0),
        (RWX, 20, 21, 23),  # every G-stage access is a user access
        ((RWX | U) & ~(W | D), 0, 0, 23),
        ((RWX | U) & ~A, 20, 21, 23),
        ((RWX | U) & ~X, 20, 0, 0),
        (0, 20, 21, 23),
    ],
)
def test_guest_page_faults(g_flags: int, fetch: int, load: int, store: int) -> None:
    guest = Guest(g_flags=g_flags)
    found = tuple(_access(guest.rig, "VS", access, VA) for access in ("fetch", "load", "store"))
    assert found == (fetch, load, store)


def test_first_stage_faults_come_before_and_go_to_the_guest() -> None:
    guest = Guest(vs_flags=0, g_flags=0)
    rig = guest.rig
    rig.csr[Csr.HEDELEG] = 1 << 13
    rig.x[10] = VA
    rig.csr[Csr.VSTVEC] = BASE + 0x300
    rig.step("ld", rd=11, rs1=10, imm=8)
    assert rig.trapped() == ("VS", 13, VA + 8)


@pytest.mark.parametrize(
    ("word", "cause", "element"),
    [
        (encode("vle32.v", vd=8, rs1=10), 21, 2),
        (encode("vse32.v", vs3=8, rs1=10), 23, 2),
        (encode("vl1re32.v", vd=8, rs1=10), 21, 2),
        (encode("lw", rd=11, rs1=10, imm=8), 21, 2),
    ],
)
def test_guest_page_fault_report(word: int, cause: int, element: int) -> None:
    """stval is the element's address, htval its guest-physical address >> 2, htinst 0, GVA 1 (D-9)."""
    guest = Guest(g_flags=RWX | U)
    rig = guest.rig
    guest.vs.map(VA + 0x1000, GPA + 0x1000, RWX)  # the next page has no second-stage mapping
    rig.vset(vtype(32), 8)
    rig.x[10] = VA + 0x1000 - 8
    record = rig.word(word)
    assert rig.trapped() == ("HS", cause, VA + 0x1000)
    assert rig.csr[Csr.HTVAL] == GPA + 0x1000 >> 2
    assert rig.csr[Csr.HTINST] == 0
    assert rig.csr[Csr.HSTATUS] & (1 << 6 | 1 << 7 | 1 << 8) == 1 << 6 | 1 << 7 | 1 << 8
    if record is not None:
        assert record.trap is not None
        assert (record.trap.tval2, record.vstart) == (GPA + 0x1000 >> 2, element)
        assert rig.issue.xlat[1] == Xlat(VA + 0x1000 >> 12, fault=cause, gpn=GPA + 0x1000 >> 12)


def test_guest_page_fault_on_the_guests_own_page_table() -> None:
    """htval names the page-table entry and htinst the implicit read; the block sees page and offset of the port."""
    guest = Guest()
    rig = guest.rig
    guest.g.map(guest.pte & ~0xFFF, 0, 0)
    rig.vset(vtype(8), 4)
    rig.x[10] = VA + 0x10
    retire = rig.block("vle8.v", vd=8, rs1=10)
    assert rig.trapped() == ("HS", 21, VA + 0x10)
    assert (rig.csr[Csr.HTVAL], rig.csr[Csr.HTINST]) == (guest.pte >> 2, 0x3000)
    assert retire.trap is not None
    assert retire.trap.tval2 == (guest.pte & ~0xFFF | 0x10) >> 2


def test_guest_physical_addresses_are_41_bits() -> None:
    rig = Rig()
    Tables(rig, GROOT, g_stage=True).map(BASE, BASE, RWX | U)
    rig.csr[Csr.HGATP] = SV39 | GROOT >> 12
    assert _access(rig, "VS", "load", BASE) == 0
    assert _access(rig, "VS", "load", BASE + (1 << 41)) == 21


@pytest.mark.parametrize(("hs", "vs", "cause"), [(0, 0, 13), (0, MXR, 0), (MXR, 0, 0)])
def test_mxr_of_hs_applies_to_both_stages(hs: int, vs: int, cause: int) -> None:
    guest = Guest(vs_flags=V | X | A)
    rig = guest.rig
    rig.csr[Csr.MSTATUS] = rig.csr[Csr.MSTATUS] | hs
    rig.csr[Csr.VSSTATUS] = rig.csr[Csr.VSSTATUS] | vs
    assert _access(rig, "VS", "load", VA) == cause
    guest.g.map(GPA, PA, V | X | A | U)
    rig.hart.mmu.flush()
    second_stage = 0 if hs else (21 if vs else 13)
    assert _access(rig, "VS", "load", VA) == second_stage


@pytest.mark.parametrize("hs", [0, MXR])
def test_mxr_is_not_for_reads_of_the_guests_page_tables(hs: int) -> None:
    """As on Spike; the privileged architecture speaks of loads."""
    guest = Guest()
    rig = guest.rig
    rig.csr[Csr.MSTATUS] = rig.csr[Csr.MSTATUS] | hs
    assert _access(rig, "VS", "load", VA) == 0
    guest.g.map(guest.pte & ~0xFFF, guest.pte & ~0xFFF, V | X | A | U)
    rig.hart.mmu.flush()
    assert _access(rig, "VS", "load", VA) == 21


@pytest.mark.parametrize(("spvp", "flags", "cause"), [(1, RWX, 0), (0, RWX, 13), (0, RWX | U, 0), (1, RWX | U, 13)])
def test_hlv_accesses_as_the_guest(spvp: int, flags: int, cause: int) -> None:
    guest = Guest(vs_flags=flags)
    rig = guest.rig
    rig.memory.store(PA, 8, 0xFFFF_FFFF_8000_0001)
    rig.csr[Csr.HSTATUS] = spvp << 8
    rig.x[10] = VA
    rig.mode("HS")
    rig.step("hlv.w", rd=11, rs1=10)
    if cause:
        assert rig.trapped() == ("HS", cause, VA)
        assert rig.csr[Csr.HSTATUS] & 1 << 6  # GVA
        return
    assert rig.x[11] == 0xFFFF_FFFF_8000_0001
    rig.step("hlv.wu", rd=11, rs1=10)
    assert rig.x[11] == 0x8000_0001
    rig.x[12] = 7
    rig.step("hsv.d", rs2=12, rs1=10)
    assert rig.memory.load(PA, 8) == 7
    assert rig.stores == [(PA, (7).to_bytes(8, "little"))]


def test_hlvx_needs_execute_permission_instead_of_read() -> None:
    guest = Guest(vs_flags=V | X | A, g_flags=V | X | A | U)
    rig = guest.rig
    rig.memory.store(PA, 4, 0x8765_4321)
    rig.csr[Csr.HSTATUS] = 1 << 8
    rig.x[10] = VA
    rig.mode("HS")
    rig.step("hlvx.wu", rd=11, rs1=10)
    assert rig.x[11] == 0x8765_4321
    rig.step("hlv.w", rd=11, rs1=10)
    assert rig.trapped() == ("HS", 13, VA)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("access", "cause"), [("fetch", 12), ("load", 13), ("store", 15)])
def test_injected_faults(mode: str, access: str, cause: int) -> None:
    rig = Rig()
    assert _access(rig, mode, access, PA) == 0
    rig.hart.mmu.fault_pages.setdefault(PA >> 12, set()).add(access)
    assert _access(rig, mode, access, PA) == cause
    rig.hart.mmu.fault_pages[PA >> 12].clear()
    assert _access(rig, mode, access, PA) == 0
