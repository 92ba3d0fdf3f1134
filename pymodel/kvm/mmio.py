# SPDX-License-Identifier: Apache-2.0
"""Scalar loads and stores of a guest outside its memory: decoded here, served by user space."""

from __future__ import annotations

from vctx.pymodel.isa import Cause, Csr, Hart, UnexpectedTrap, decode
from vctx.pymodel.isa.compressed import expand
from vctx.pymodel.kvm.exits import Exit, ExitReason
from vctx.pymodel.kvm.state import Vcpu

_SIZES = {"b": 1, "h": 2, "w": 4, "d": 8}
_LOADS = frozenset({"lb", "lh", "lw", "ld", "lbu", "lhu", "lwu"})
_STORES = frozenset({"sb", "sh", "sw", "sd"})


class UnprivilegedFault(Exception):  # noqa: N818 (named for the event)
    """The kernel's own read of a guest's instruction faulted: `cause` and `tval` as the guest's fetch would have them,
    except for a guest-page fault, which is that of a load.
    """

    def __init__(self, cause: int, tval: int) -> None:
        super().__init__(f"cause {cause}, tval {tval:#x}")
        self.cause = cause
        self.tval = tval


def mmio_exit(vcpu: Vcpu, gpa: int) -> Exit | None:
    """Return the exit for the load or store that touched `gpa`; None if it is no scalar one, which nothing emulates.

    Raises:
        UnprivilegedFault: the instruction could not be read.
    """
    word, _ = _faulting_insn(vcpu)
    decoded = decode(word)
    if decoded.mnemonic not in _LOADS | _STORES:
        return None
    size = _SIZES[decoded.mnemonic[1]]
    value = vcpu.guest_context[f"x{decoded.fields['rs2']}"] if decoded.mnemonic in _STORES else 0
    return Exit(ExitReason.MMIO, (gpa, size, int(decoded.mnemonic in _STORES), value & (1 << 8 * size) - 1))


def mmio_return(vcpu: Vcpu, hart: Hart) -> None:
    """Deliver what user space gave for a load, and go on behind the instruction."""
    cntx = vcpu.guest_context
    word, length = vcpu.mmio_insn
    decoded = decode(word)
    if decoded.mnemonic in _LOADS and decoded.fields["rd"]:
        data = vcpu.mmio_data[: _SIZES[decoded.mnemonic[1]]]
        value = int.from_bytes(data, "little", signed=not decoded.mnemonic.endswith("u"))
        cntx.store(hart, **{f"x{decoded.fields['rd']}": value & (1 << 64) - 1})
    cntx.store(hart, sepc=cntx["sepc"] + length)


def _faulting_insn(vcpu: Vcpu) -> tuple[int, int]:
    """Read the guest's instruction at sepc as the guest would fetch it, and keep it for the return.

    The page of the instruction may have left guest memory since the guest executed it: HLVX then faults, for which the
    kernel is prepared.
    """
    kernel, hart, cntx = vcpu.kernel, vcpu.loaded_on, vcpu.guest_context
    host_hstatus = kernel.csr_read(hart, Csr.HSTATUS)
    kernel.csr_write(hart, Csr.HSTATUS, cntx["hstatus"])
    try:
        word, length = kernel.hlvx(hart, cntx["sepc"]), 2
        if word & 3 == 3:
            word, length = word | kernel.hlvx(hart, cntx["sepc"] + 2) << 16, 4
        else:
            word = expand(word) or 0
    except UnexpectedTrap as trap:
        raise UnprivilegedFault(Cause.FETCH_PAGE if trap.cause == Cause.LOAD_PAGE else trap.cause, trap.tval) from None
    finally:
        kernel.csr_write(hart, Csr.HSTATUS, host_hstatus)
    vcpu.mmio_insn = word, length
    return vcpu.mmio_insn
