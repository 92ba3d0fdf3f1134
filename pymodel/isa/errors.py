# SPDX-License-Identifier: Apache-2.0
"""What can go wrong: exceptions of the modelled machine, and misuse of the model."""

from __future__ import annotations

from enum import IntEnum

from vctx.pymodel.errors import VctxError


class Cause(IntEnum):
    """Exception codes of xcause (bit 63 clear) that are not reserved; the hart raises no 0, 18 or 19."""

    FETCH_MISALIGNED = 0
    FETCH_ACCESS = 1
    ILLEGAL = 2
    BREAKPOINT = 3
    LOAD_MISALIGNED = 4
    LOAD_ACCESS = 5
    STORE_MISALIGNED = 6
    STORE_ACCESS = 7
    ECALL_U = 8
    ECALL_HS = 9
    ECALL_VS = 10
    ECALL_M = 11
    FETCH_PAGE = 12
    LOAD_PAGE = 13
    STORE_PAGE = 15
    SOFTWARE_CHECK = 18
    HARDWARE_ERROR = 19
    FETCH_GUEST_PAGE = 20
    LOAD_GUEST_PAGE = 21
    VIRTUAL = 22
    STORE_GUEST_PAGE = 23


class HartError(Exception):
    """The model was misused; the modelled machine has no such event."""


class MemoryRangeError(HartError):
    """A raw memory access outside every region."""


class UnexpectedTrap(HartError):  # noqa: N818 (named for the event)
    """Code that host kernel code relies on took a trap: cause, epc and tval as the trap CSRs hold them."""

    def __init__(self, cause: int, epc: int, tval: int) -> None:
        super().__init__(f"trap: cause {cause}, epc {epc:#x}, tval {tval:#x}")
        self.cause = cause
        self.epc = epc
        self.tval = tval


class AbsentInsn(VctxError):  # noqa: N818 (named for the event)
    """A program met an instruction that the modelled core has and the golden hart lacks."""

    exit_code = 2

    def __init__(self, word: int) -> None:
        super().__init__(f"instruction {word:#010x} is not modelled")
        self.word = word


class ArchTrap(Exception):  # noqa: N818 (named for the event)
    """A synchronous exception of the modelled machine, on its way to trap entry.

    Args:
        cause: exception code.
        tval: value for xtval.
        tval2: value for htval/mtval2, a guest-physical address >> 2.
        gva: tval is a guest virtual address (hstatus.GVA, mstatus.GVA).
        tinst: value for htinst/mtinst.
    """

    def __init__(self, cause: int, tval: int = 0, *, tval2: int = 0, gva: bool = False, tinst: int = 0) -> None:
        super().__init__(cause, tval)
        self.cause = int(cause)  # plain, because it goes into CSRs and records
        self.tval = tval
        self.tval2 = tval2
        self.gva = gva
        self.tinst = tinst


class InterruptedInsn(Exception):  # noqa: N818 (named for the event)
    """A vector memory instruction stopped for an interrupt: it neither retired nor trapped."""
