# SPDX-License-Identifier: Apache-2.0
"""Defects of a real KVM without building one: a few instructions of kvm.ko are changed in the machine's memory.

They are found by the function that they are in and by what they do, in whatever registers; where a kernel does not have
them, the defect is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from vctx.pymodel.errors import UsageError
from vctx.pymodel.isa import decode, encode
from vctx.pymodel.isa.compressed import expand
from vctx.pymodel.isa.csr_numbers import Csr
from vctx.pymodel.isa.encoding import Decoded
from vctx.tb.linux.recorder import Change, Symbol
from vctx.tb.linux.switches import MOVES

_NOP, _NOP_HALF, _RETURN_HALF = encode("addi", rd=0, rs1=0, imm=0), 0x0001, 0x8082
_SSTATUS = 0x100


@dataclass(frozen=True)
class Instruction:
    """One instruction of the kernel: where it is, its bytes, and what it is (compressed ones as they expand)."""

    at: int
    size: int
    raw: bytes
    decoded: Decoded

    def is_a(self, mnemonic: str, **fields: int) -> bool:
        """It is this instruction, with these operands."""
        own = self.decoded.fields
        return self.decoded.mnemonic == mnemonic and all(own.get(name) == value for name, value in fields.items())


Code = list[Instruction]
Edit = Callable[[Code], dict[int, bytes]]


class _MismatchError(Exception):
    """The code is not what a defect is made for; says what is missing."""


def _only(code: Code, what: str, wanted: Callable[[Instruction], bool], which: int = -1) -> Instruction:
    """Return the one wanted, by default the last; _MismatchError, with `what` is missing, if there is none."""
    found = [each for each in code if wanted(each)]
    if not found:
        raise _MismatchError(what)
    return found[which]


def _no_op(each: Instruction) -> dict[int, bytes]:
    return {each.at: _NOP.to_bytes(4, "little") if each.size == 4 else _NOP_HALF.to_bytes(2, "little")}


def _return_at_once(code: Code) -> dict[int, bytes]:
    return {code[0].at: _RETURN_HALF.to_bytes(2, "little")}


def _is_dirty_test(each: Instruction) -> bool:
    return each.decoded.mnemonic in ("beq", "bne") and each.size == 4 and each.decoded.fields["rs2"] != 0


def _save_always(code: Code) -> dict[int, bytes]:
    test = _only(code, "the test for VS Dirty", _is_dirty_test, 0)
    if test.is_a("bne"):  # past the save, if not Dirty
        return _no_op(test)
    return {test.at: encode("jal", rd=0, imm=test.decoded.fields["imm"]).to_bytes(4, "little")}


def _save_never(code: Code) -> dict[int, bytes]:
    test = _only(code, "the test for VS Dirty", _is_dirty_test, 0)
    if test.is_a("beq"):
        return _no_op(test)
    return {test.at: encode("jal", rd=0, imm=test.decoded.fields["imm"]).to_bytes(4, "little")}


def _forget_group(code: Code) -> dict[int, bytes]:
    return _no_op(_only(code, "the store of v24 to v31", lambda each: each.is_a("vse8.v", vs3=24)))


def _stay(code: Code) -> dict[int, bytes]:
    base = _only(code, "a store of registers", lambda each: each.is_a("vse8.v")).decoded.fields["rs1"]
    return _no_op(_only(code, "a step of the pointer", lambda each: each.is_a("add", rd=base, rs1=base), 0))


def _leave_on(code: Code) -> dict[int, bytes]:
    return _no_op(_only(code, "the clearing of VS", lambda each: each.is_a("csrrc", csr=_SSTATUS)))


def _without(csr: Csr) -> Edit:
    def edit(code: Code) -> dict[int, bytes]:
        name = csr.name.lower()
        return _no_op(_only(code, f"the write of {name}", lambda each: each.is_a("csrrw", csr=csr)))

    return edit


def _without_vsetvl(code: Code) -> dict[int, bytes]:
    return _no_op(_only(code, "vsetvl", lambda each: each.is_a("vsetvl", rd=0)))


def _vstart_first(code: Code) -> dict[int, bytes]:
    """Move the write of vstart, and the load of its value, to before the loads of registers."""
    loads = [i for i, each in enumerate(code) if each.is_a("vle8.v")]
    write = _only(code, "the write of vstart", lambda each: each.is_a("csrrw", csr=Csr.VSTART))
    value = _only(
        code,
        "the load of vstart",
        lambda each: each.is_a("ld", rd=write.decoded.fields["rs1"]) and each.at < write.at,
    )
    if not loads or code.index(value) < loads[-1] or value.size != write.size:
        raise _MismatchError("registers loaded before vstart")
    first, last = loads[0], code.index(write)
    middle = [each for each in code[first : last + 1] if each not in (value, write)]
    pointer, scratch = code[first].decoded.fields["rs1"], _free(middle, write)
    if pointer == scratch:
        raise _MismatchError("a free register")
    base, offset = value.decoded.fields["rs1"], value.decoded.fields["imm"]
    moved = encode("ld", rd=scratch, rs1=base, imm=offset).to_bytes(4, "little")
    moved += encode("csrrw", rd=0, csr=Csr.VSTART, rs1=scratch).to_bytes(4, "little")
    return {code[first].at: moved + b"".join(each.raw for each in middle)}


def _free(middle: Code, write: Instruction) -> int:
    """Return a register that is written later without being read before: one that a following load fills."""
    written = [each.decoded.fields["rd"] for each in middle if each.is_a("ld")]
    if not written:
        raise _MismatchError("a free register")
    return written[-1]


@dataclass(frozen=True)
class Defect:
    """A change of one function.

    Attributes:
        name, text: of it. function: where. edit: what is changed. caught_by: the invariant that has to break.
    """

    name: str
    text: str
    function: str
    edit: Edit
    caught_by: str

    def change(self, symbols: dict[str, Symbol], read: Callable[[Symbol], bytes]) -> dict[int, bytes]:
        """Return the bytes to change, by address; see `tb.linux.recorder.Change`.

        Raises:
            UsageError: the kernel's code is not what this is made for.
        """
        symbol = symbols.get(self.function)
        if symbol is None:
            raise UsageError(f"--defect {self.name}: this kernel has no function {self.function}")
        try:
            return self.edit(code_of(symbol.start, read(symbol)))
        except _MismatchError as error:
            raise UsageError(f"--defect {self.name}: {self.function} of this kernel lacks {error}") from None


def code_of(start: int, data: bytes) -> Code:
    """Return the instructions of a function that begins at `start`."""
    found, at = [], 0
    while at + 2 <= len(data):
        size = 4 if data[at] & 3 == 3 else 2
        raw = data[at : at + size]
        word = int.from_bytes(raw, "little")
        full = word if size == 4 else expand(word)
        found.append(Instruction(start + at, size, raw, decode(full if full is not None else 0)))
        at += size
    return found


def _defects(rows: Sequence[Defect]) -> dict[str, Defect]:
    return {row.name: row for row in rows}


_SAVE, _RESTORE = MOVES["guest save"], MOVES["guest restore"]
_HOST_SAVE, _HOST_RESTORE = MOVES["host save"], MOVES["host restore"]

DEFECTS = _defects(
    (
        Defect("no-host-restore", "the host is not restored", _HOST_RESTORE, _return_at_once, "host-preserved"),
        Defect("no-guest-restore", "the guest is not restored", _RESTORE, _return_at_once, "guest-transparent"),
        Defect("save-always", "a guest is saved whatever its VS is", _SAVE, _save_always, "save-iff-dirty"),
        Defect("save-never", "a guest is never saved", _SAVE, _save_never, "save-iff-dirty"),
        Defect("group-forgotten", "v24 to v31 are not saved", _SAVE, _forget_group, "save-is-whole"),
        Defect("pointer-kept", "v8 to v15 are saved over v0 to v7", _SAVE, _stay, "save-is-whole"),
        Defect("vstart-first", "vstart is written before the loads", _RESTORE, _vstart_first, "moves-are-whole"),
        Defect("vcsr-lost", "the guest's vcsr is not restored", _RESTORE, _without(Csr.VCSR), "guest-transparent"),
        Defect("vstart-lost", "the guest's vstart is lost", _RESTORE, _without(Csr.VSTART), "guest-transparent"),
        Defect("vl-lost", "the host's vl and vtype are not restored", _HOST_RESTORE, _without_vsetvl, "host-preserved"),
        Defect("unit-left-on", "host restore leaves VS as it needs it", _HOST_RESTORE, _leave_on, "unit-left-off"),
    )
)
"""Every defect by name."""


def change(name: str) -> Change:
    """Return what makes the defect of that name."""
    return DEFECTS[name].change
