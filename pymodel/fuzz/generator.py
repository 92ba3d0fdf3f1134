# SPDX-License-Identifier: Apache-2.0
"""The generator: random programs, weighted toward what breaks vector units and hypervisors.

A program is a function of its seed alone. The generator does not run what it makes; all it keeps track of is the mode,
which the runtime's handlers preserve. What each integer register starts with is given by its role in `_ROLES`.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence

from vctx.pymodel.fuzz.program import FIRST_STAGE, USER_ALIAS, Item, Program, world
from vctx.pymodel.fuzz.reserved import RESERVED
from vctx.pymodel.isa import Csr, bits, encode
from vctx.pymodel.isa.csr_numbers import STATUS_CSRS, VECTOR_CSRS
from vctx.pymodel.isa.encoding import ABSENT, TABLE, InsnSpec, Kind
from vctx.pymodel.isa.vtype import VILL, decode_vtype
from vctx.pymodel.trace.records import PAGE_SHIFT, PAGE_SIZE

MODES = ("M", "HS", "U", "VS", "VU")
NEVER = (
    "vector instructions that the block lacks and Spike has, and all of floating point",
    "writes to misa; reads of cycle, time and instret",
    "TSR, TVM and TW of mstatus set: they concern no instruction of the block",
)
"""What is never generated."""

_MPP = {"M": 3, "HS": 1, "U": 0, "VS": 1, "VU": 0}

# Integer registers by what they start with; any of them may be any operand now and then. x27, x28, x30 and x31 belong
# to the runtime.
_ROLES: dict[str, Sequence[int]] = {
    "scratch": range(1, 5),
    "avl": range(5, 10),
    "address": range(10, 16),
    "vtype": range(16, 20),
    "status": range(20, 23),
    "start": range(23, 25),
    "data": range(25, 27),
}
_ANY = range(27)
_STRIDE, _MOVED = 3, 4  # of these the second holds an address moved by an offset
_WIDE_SHARE = 2 / 3
_LUCKY, _TRIES, _ARGUMENT, _TEMPORARY = 28, 29, 30, 31
_DESTINATIONS = (*_ROLES["scratch"], *_ROLES["data"])

_CSRS = (*sorted(VECTOR_CSRS), *sorted(STATUS_CSRS))
_CSR_FORMS = ("csrrw", "csrrs", "csrrc", "csrrwi", "csrrsi", "csrrci")
_HYPERVISOR_CSRS = (Csr.HSTATUS, Csr.VSATP, Csr.HGATP, Csr.VSEPC, Csr.SSCRATCH, Csr.SATP, Csr.HTVAL)
_LEGAL_VTYPES = tuple(vtype for vtype in range(256) if not decode_vtype(vtype, 128).vill)

# Bits of the status registers that may hold anything. TSR is not among them: with it the handler of HS cannot return.
_STATUS_BITS = bits.FS | bits.SUM | bits.MXR | bits.MPP | bits.SPP | bits.MPV | bits.MPRV
# Exceptions that may be delegated: misaligned, access and page faults, illegal instruction; from HS also the guest's.
_DELEGABLE = (2, 4, 5, 6, 7, 13, 15, 21, 22, 23)

# Operations by family, with the weight of each: few are moves and mask logic, but each of them has rules of its own.
_FAMILIES = {
    r"vmv.*|vmerge.*|vid.*": 16,
    r"vm\w+\.mm|.*\.m": 12,
    r"vms.*": 16,
    r"v(add|r?sub|and|or|xor|minu?|maxu?|s[lr][la])\..*": 20,
    r"vmul.*|vmacc.*|vmadd.*|vnms.*": 14,
    r"vw(?!red).*|v[zs]ext.*|vns.*": 24,
    r"v(w?red|slide).*": 14,
}
_OPERATIONS = tuple(
    (weight, tuple(spec for spec in TABLE.values() if spec.kind is Kind.VOP and re.fullmatch(family, spec.mnemonic)))
    for family, weight in _FAMILIES.items()
)
# Loads and stores by form, with the weight of each form; whole-register loads alone are half of the instructions.
_STRIDED = r"v[ls]se\d+\.v"
_ANY_STRIDED = r"v[ls]s(?:seg\d)?e\d+\.v"
_FORMS = {
    r"vle\d+\.v": 24,
    r"vse\d+\.v": 30,
    _STRIDED: 16,
    r"vle\d+ff\.v": 14,
    r"vl\dre\d+\.v": 14,
    r"vs\dr\.v": 10,
    r"v[ls]m\.v": 8,
}
_ACCESSES = tuple(
    (weight, tuple(spec for spec in TABLE.values() if re.fullmatch(form, spec.mnemonic)))
    for form, weight in _FORMS.items()
)


# The same of what the block lacks, for harts that have it.
_WIDE_OPERATIONS = tuple(
    (weight, tuple(spec for spec in ABSENT.values() if spec.kind is Kind.VOP and re.fullmatch(family, spec.mnemonic)))
    for family, weight in {
        r"v(div|rem)u?\..*": 16,
        r"vm?(ad|sb)c\..*": 16,
        r"v(s(add|sub)u?|a(add|sub)u?|smul|ssr[la]|nclipu?)\..*": 40,
        r"vms[bio]f\.m": 10,
        r"vrgather.*|vcompress.*": 24,
    }.items()
)
_WIDE_ACCESSES = tuple(
    (weight, tuple(spec for spec in ABSENT.values() if re.fullmatch(form, spec.mnemonic)))
    for form, weight in {
        r"v[ls][uo]xei8\.v": 16,
        r"v[ls][uo]xei(16|32|64)\.v": 8,
        r"v[ls][uo]xseg\dei8\.v": 12,
        r"v[ls][uo]xseg\dei(16|32|64)\.v": 6,
        r"v[ls]seg\de\d+\.v": 24,
        r"vlseg\de\d+ff\.v": 10,
        r"v[ls]sseg\de\d+\.v": 14,
    }.items()
)


def seed_of(master: int, vlen: int, number: int) -> str:
    """Return the seed of one program of a run; the same whatever the number of jobs."""
    return f"{master}/{vlen}/{number}"


def generate(seed: str, vlen: int, *, wide: bool = False) -> Program:
    """Return the program of `seed` for VLEN `vlen` in bits, about 40 items long.

    With `wide`, two of three vector instructions are of those that the block lacks.
    """
    return _Generator(random.Random(seed), vlen, wide).program()


class _Generator:
    """Makes one program."""

    def __init__(self, rng: random.Random, vlen: int, wide: bool) -> None:
        self.rng = rng
        self.wide = wide
        self.vlen = vlen
        self.mode = rng.choice(MODES)
        self.first_stage = {"U": rng.random() < 0.8, "VU": rng.random() < 0.8}  # satp, vsatp
        self.second_stage = rng.random() < 0.8
        self.items: list[Item] = []
        self.position = 0  # in words

    def program(self) -> Program:
        """Return the program."""
        params = self._params()
        kinds = {
            self._vset: 16,
            self._access: 30,
            self._operation: 36,
            self._vector_csr: 10,
            self._status_csr: 7,
            self._reserved: 4,
            self._vstart: 5,
            self._scalar: 2,
            self._switch: 3,
            self._return: 2,
            self._revive: 3,
        }
        makers: list[Callable[[], None]] = self.rng.choices(
            list(kinds), list(kinds.values()), k=self.rng.randrange(25, 55)
        )
        for make in makers:
            make()
        return Program(self.vlen, params, tuple(self.items), self.wide)

    # --- initial values ---

    def _params(self) -> dict[str, int]:
        rng, w = self.rng, world()
        root = w.base >> PAGE_SHIFT
        both_on = rng.random() < 0.6
        params = {
            "medeleg": self._some(_DELEGABLE, 0.5),
            "hedeleg": self._some(_DELEGABLE, 0.5),
            "hstatus": rng.choice((0, bits.SPVP, bits.HU | bits.SPVP)),
            "satp": FIRST_STAGE | root + 10 if self.first_stage["U"] else 0,
            "vsatp": FIRST_STAGE | root + 13 if self.first_stage["VU"] else 0,
            "hgatp": FIRST_STAGE | root + 4 if self.second_stage else 0,
            "vsstatus": self._status(on=both_on),
            "vl": self._avl(),
            "vtype": self._vtype(),
            "vcsr": rng.randrange(8),
            "vstart": self._start() if rng.random() < 0.2 else 0,
            "mepc": w.body - self._alias(self.mode),
            f"x{_LUCKY}": w.data + PAGE_SIZE * rng.randrange(1, 8),
            f"x{_TRIES}": rng.choice((0, 0, 1, 3, 8)),
        }
        mstatus = self._status(on=both_on) & ~(bits.MPP | bits.MPV)
        params["mstatus"] = mstatus | _MPP[self.mode] << bits.MPP_SHIFT | (bits.MPV if self.mode[0] == "V" else 0)
        span = 8 * self.vlen // 8
        for group in (0, 8, 16, 24):
            params[f"v{group}"] = w.data + 8 * rng.randrange((w.base + w.size - w.data - span) // 8 + 1)
        values: dict[str, Callable[[], int]] = {
            "scratch": lambda: rng.getrandbits(64),
            "avl": self._avl,
            "address": self._address,
            "vtype": self._vtype,
            "status": self._status,
            "start": self._start,
            "data": lambda: rng.choice((rng.getrandbits(64), rng.getrandbits(8), (1 << 64) - 1 - rng.getrandbits(7))),
        }
        for role, registers in _ROLES.items():
            params |= {f"x{register}": values[role]() for register in registers}
        return params

    def _some(self, numbers: Sequence[int], share: float) -> int:
        return sum(1 << number for number in numbers if self.rng.random() < share)

    def _alias(self, mode: str) -> int:
        """Return how much lower than in memory the body is seen in `mode`."""
        return USER_ALIAS if self.first_stage.get(mode) else 0

    def _status(self, *, on: bool = False) -> int:
        vs = self.rng.choice((1, 2, 3)) if on else self.rng.choice((0, 1, 1, 2, 2, 3))
        rare = bits.MPRV if self.rng.random() < 0.7 else 0
        return self.rng.getrandbits(64) & _STATUS_BITS & ~rare | vs << bits.VS_SHIFT

    def _avl(self) -> int:
        rng = self.rng
        small = (0, 1, rng.randrange(8), rng.randrange(20), self.vlen // 8, self.vlen // 2 + rng.randrange(4))
        large = (rng.randrange(self.vlen), self.vlen, self.vlen + 1, rng.getrandbits(64), 1 << 63)
        return rng.choice(small + large)

    def _vtype(self) -> int:
        rng = self.rng
        kind = rng.random()
        if kind < 0.8:
            return rng.choice(_LEGAL_VTYPES)
        return rng.choice((VILL, rng.randrange(256), rng.choice(_LEGAL_VTYPES) | 1 << rng.randrange(8, 64)))

    def _start(self) -> int:
        rng = self.rng
        return rng.choice((1, rng.randrange(1, 8), rng.randrange(self.vlen), self.vlen - 1, rng.getrandbits(64)))

    def _address(self) -> int:
        """An address at or a little before a page boundary, or somewhere in a page; rarely far away from everything.

        The first page of data is left alone: what is moved further down must not reach the tables below it.
        """
        rng = self.rng
        page = world().data + PAGE_SIZE * rng.randrange(2, 17)
        if rng.random() < 0.03:
            far = (0, 0x40010000, 0x80200000, 1 << 39, (1 << 64) - 16, (1 << 63) - 8, 1 << 56)
            return rng.choice(far) + 8 * rng.randrange(2)
        if rng.random() < 0.7:
            return page - 8 * rng.randrange(min(self.vlen // 8, 512) + 1)
        return page - PAGE_SIZE + 8 * rng.randrange(512)

    # --- items ---

    def _emit(self, *words: int, irq: int | None = None) -> None:
        self.items.append(Item(words, irq))
        self.position += len(words)

    def _source(self, role: str) -> int:
        return self.rng.choice(_ROLES[role] if self.rng.random() < 0.9 else _ANY)

    def _destination(self) -> int:
        return self.rng.choice((0, 0, *_DESTINATIONS))

    def _vset(self) -> None:
        rng = self.rng
        vtype = rng.choice(_LEGAL_VTYPES) if rng.random() < 0.85 else rng.randrange(1 << 11)
        rd = self._destination()
        form = rng.random()
        if form < 0.45:
            self._emit(encode("vsetvli", rd=rd, rs1=rng.choice((0, self._source("avl"))), vtypei=vtype))
        elif form < 0.65:
            self._emit(encode("vsetivli", rd=rd, uimm=rng.randrange(32), vtypei=vtype & 0x3FF))
        else:
            rs1 = 0 if rng.random() < 0.2 else self._source("avl")
            self._emit(encode("vsetvl", rd=rd, rs1=rs1, rs2=self._source("vtype")))

    def _fill(self, spec: InsnSpec, *, rs1: int | None = None) -> int:
        """Return `spec` with random operands: registers mostly aligned to some group, masked now and then."""
        rng = self.rng
        word = rng.getrandbits(32)
        align = rng.choice((0, 0, 1, 3, 7, 7))
        for at in (7, 15, 20):
            word &= ~(align << at)
        if rs1 is not None:
            word = word & ~(31 << 15) | rs1 << 15
        if rng.random() < 0.65:
            word |= 1 << 25
        word = spec.match | word & ~spec.mask
        if any(operand.keyword == "rd" for operand in spec.operands):
            word = word & ~(31 << 7) | self._destination() << 7
        return word

    def _access(self) -> None:
        rng = self.rng
        rs1 = self._source("address")
        if rng.random() < 0.4:
            offset = 8 * rng.randrange(-256, 256) if rng.random() < 0.85 else rng.randrange(-2048, 2048)
            self._emit(encode("addi", rd=_MOVED, rs1=rng.choice(_ROLES["address"]), imm=offset))
            rs1 = _MOVED
        forms = _WIDE_ACCESSES if self.wide and rng.random() < _WIDE_SHARE else _ACCESSES
        (form,) = rng.choices([specs for _, specs in forms], [weight for weight, _ in forms])
        spec = rng.choice(form)
        word, before = self._fill(spec, rs1=rs1), []
        if re.fullmatch(_ANY_STRIDED, spec.mnemonic) and ("vs3" in spec.syntax or rng.random() < 0.9):
            before.append(self._stride(1 << (spec.match >> 12 & 3)))
            word = word & ~(31 << 20) | _STRIDE << 20
        if "vs2" in spec.syntax:
            before += self._indexes(word >> 20 & 31)
        irq = rng.choice((0, 1, rng.randrange(16), rng.randrange(self.vlen))) if rng.random() < 0.08 else None
        self._emit(*before, word, irq=irq)
        if rng.random() < 0.3:  # the access may have left vstart where no arithmetic is possible
            self._emit(encode("csrrwi", rd=0, csr=Csr.VSTART, uimm=0))

    def _indexes(self, register: int) -> list[int]:
        """Return instructions that mostly make a register's elements small multiples of 8: indexes within reach."""
        if self.rng.random() < 0.3:
            return []
        small = encode("vand.vi", vd=register, vs2=register, imm=self.rng.choice((8, 8, -8)))
        return [encode("csrrwi", rd=0, csr=Csr.VSTART, uimm=0), small]

    def _stride(self, size: int) -> int:
        """Return an instruction that sets the stride of elements of `size` bytes.

        Few are negative, as what is moved down must not reach the tables below the data: it is at most VLEN bytes times
        the stride's multiple of the element.
        """
        rng = self.rng
        if rng.random() < 0.15:
            return encode("lui", rd=_STRIDE, imm=rng.randrange(1, 4))  # pages
        lowest = -(PAGE_SIZE // 2 // self.vlen)
        multiple = rng.choice((0, 1, 2, 2, 3, lowest, rng.randrange(lowest, 256 // size)))
        odd = rng.randrange(size) if rng.random() < 0.05 else 0
        return encode("addi", rd=_STRIDE, rs1=0, imm=multiple * size + odd)

    def _operation(self) -> None:
        rows = _WIDE_OPERATIONS if self.wide and self.rng.random() < _WIDE_SHARE else _OPERATIONS
        (family,) = self.rng.choices([specs for _, specs in rows], [weight for weight, _ in rows])
        self._emit(self._fill(self.rng.choice(family)))

    def _reserved(self) -> None:
        if self.wide:  # many are what only the others have
            return
        row = self.rng.choice(RESERVED)
        self._emit(row.match | self.rng.getrandbits(32) & ~row.mask)

    def _csr(self, csr: int, role: str) -> None:
        rng = self.rng
        form = rng.choice(_CSR_FORMS)
        rd = self._destination()
        if form.endswith("i"):
            self._emit(encode(form, rd=rd, csr=csr, uimm=rng.choice((0, rng.randrange(32)))))
        else:
            self._emit(encode(form, rd=rd, csr=csr, rs1=rng.choice((0, *_ROLES[role]))))

    def _vector_csr(self) -> None:
        self._csr(self.rng.choice(sorted(VECTOR_CSRS)), self.rng.choice(("start", "avl", "data")))

    def _status_csr(self) -> None:
        self._csr(self.rng.choice(sorted(STATUS_CSRS)), "status")

    def _vstart(self) -> None:
        if self.rng.random() < 0.5:
            self._emit(encode("csrrwi", rd=0, csr=Csr.VSTART, uimm=self.rng.randrange(32)))
        else:
            self._emit(encode("csrrw", rd=0, csr=Csr.VSTART, rs1=self._source("start")))
        if self.rng.random() < 0.6:
            self._access()

    def _scalar(self) -> None:
        rng = self.rng
        if rng.random() < 0.5:
            self._emit(encode("csrrs", rd=self._destination(), csr=rng.choice(_HYPERVISOR_CSRS), rs1=0))
        else:
            rd = rng.choice((*_ROLES["address"], *_ROLES["avl"]))
            self._emit(encode("addi", rd=rd, rs1=rd, imm=8 * rng.randrange(-16, 16)))

    def _revive(self) -> None:
        """Go to M-mode, give both VS fields a value, clear vstart, and go on in some mode."""
        self._switch_to("M")
        words = [encode("addi", rd=_ARGUMENT, rs1=0, imm=bits.VS)]
        words += [encode("csrrc", rd=0, csr=csr, rs1=_ARGUMENT) for csr in (Csr.MSTATUS, Csr.VSSTATUS)]
        for csr in (Csr.VSSTATUS, Csr.MSTATUS):
            words.append(encode("addi", rd=_ARGUMENT, rs1=0, imm=self.rng.choice((0, 1, 1, 2, 2, 3)) << bits.VS_SHIFT))
            words.append(encode("csrrs", rd=0, csr=csr, rs1=_ARGUMENT))
        self._emit(*words)
        if self.rng.random() < 0.5:
            self._emit(encode("csrrwi", rd=0, csr=Csr.VSTART, uimm=0))
        self._switch_to(self.rng.choice(MODES))

    # --- changes of mode ---

    def _switch(self) -> None:
        self._switch_to(self.rng.choice(MODES))

    def _switch_to(self, mode: str) -> None:
        """Ask the runtime, by ecall."""
        code = _MPP[mode] | (mode[0] == "V") << 2 | bool(self._alias(mode)) << 3
        self._emit(encode("addi", rd=_ARGUMENT, rs1=0, imm=code), encode("ecall"))
        self.mode = mode

    def _return(self) -> None:
        """Go down by mret or sret, where the present mode can."""
        below = {"M": MODES, "HS": ("HS", "U", "VS", "VU"), "VS": ("VS", "VU")}.get(self.mode)
        if below is None:
            self._switch()
            return
        mode = self.rng.choice(below)
        machine = self.mode == "M"
        words = self._previous(Csr.MSTATUS, bits.MPP, _MPP[mode] << bits.MPP_SHIFT) if machine else []
        if not machine:
            words += self._previous(Csr.SSTATUS, bits.SPP, bits.SPP if _MPP[mode] else 0)
        if self.mode != "VS":
            field = (Csr.MSTATUS, bits.MPV) if machine else (Csr.HSTATUS, bits.SPV)
            words += self._previous(*field, field[1] if mode[0] == "V" else 0)
        epc = Csr.MEPC if machine else Csr.SEPC
        words += [encode("csrrw", rd=0, csr=epc, rs1=_ARGUMENT), encode("mret" if machine else "sret")]
        self._emit(*self._target(mode, 4 * len(words)), *words)
        self.mode = mode

    def _target(self, mode: str, behind: int) -> list[int]:
        """Return code that puts the address, in `mode`, of what is `behind` bytes behind it into t5."""
        delta = self._alias(self.mode) - self._alias(mode)
        move = [encode("lui", rd=_TEMPORARY, imm=(delta & bits.M32) >> 12)] if delta else []
        move += [encode("add", rd=_ARGUMENT, rs1=_ARGUMENT, rs2=_TEMPORARY)] if delta else []
        size = 4 * (2 + len(move))
        start = [encode("auipc", rd=_ARGUMENT, imm=0), encode("addi", rd=_ARGUMENT, rs1=_ARGUMENT, imm=size + behind)]
        return start + move

    @staticmethod
    def _previous(csr: int, field: int, value: int) -> list[int]:
        """Return code that sets a field of a CSR; uses t6."""
        low = (field & -field).bit_length() - 1

        def load(number: int) -> list[int]:
            shift = encode("slli", rd=_TEMPORARY, rs1=_TEMPORARY, imm=low)
            return [encode("addi", rd=_TEMPORARY, rs1=0, imm=number >> low), shift]

        words = [*load(field), encode("csrrc", rd=0, csr=csr, rs1=_TEMPORARY)]
        return words + ([*load(value), encode("csrrs", rd=0, csr=csr, rs1=_TEMPORARY)] if value else [])
