# SPDX-License-Identifier: Apache-2.0
"""Packed vectors that cross the border between Python and HDL: the mirror of `tb/hdl/vctx_tb_pkg.sv`.

One wide vector costs one simulator call however many fields it has, which is what makes a replay fast.
"""

from __future__ import annotations

from collections.abc import Iterable


class Layout:
    """A packed struct: fields as (name, width in bits), the first in the most significant bits.

    >>> word = Layout(("valid", 1), ("index", 7))
    >>> hex(word.pack(index=5, valid=1))
    '0x85'
    >>> word.unpack(0x85)
    [1, 5]
    >>> word.unknown("1000X101")
    [('index', '000X101')]
    """

    def __init__(self, *fields: tuple[str, int]) -> None:
        self.names = tuple(name for name, _ in fields)
        self.width = sum(width for _, width in fields)
        position = self.width
        slots = []
        for _, width in fields:
            position -= width
            slots.append((position, (1 << width) - 1))
        self._slots = tuple(slots)  # (position, mask) of each field: what unpacking needs, in its order
        self._shift = {name: shift for name, (shift, _) in zip(self.names, slots, strict=True)}

    def shift(self, name: str) -> int:
        """Return the position of the least significant bit of a field."""
        return self._shift[name]

    def pack(self, **values: int) -> int:
        """Return the vector with these fields set and all others 0."""
        return sum(value << self._shift[name] for name, value in values.items())

    def ones(self, *names: str) -> int:
        """Return the vector with every bit of these fields set and all others 0."""
        return sum(mask << shift for name, (shift, mask) in zip(self.names, self._slots, strict=True) if name in names)

    def unpack(self, vector: int) -> list[int]:
        """Return the fields' values, in order."""
        return [vector >> shift & mask for shift, mask in self._slots]

    def unknown(self, bits: str) -> list[tuple[str, str]]:
        """Return (name, bits) of every field of the bit string that contains X or Z."""
        out = []
        for name, (shift, mask) in zip(self.names, self._slots, strict=True):
            end = self.width - shift
            text = bits[end - mask.bit_length() : end]
            if set(text) - {"0", "1"}:
                out.append((name, text))
        return out

    def check(self, what: str, width: int) -> None:
        """Raise AssertionError when the simulator's vector has another width."""
        assert width == self.width, f"{what}: {width} bits in HDL, {self.width} in tb/replay/layout.py"


def hexadecimal(bits: str) -> str:
    """Show a bit string as hexadecimal digits, X for every digit with an unknown bit."""
    bits = bits.zfill(-(-len(bits) // 4) * 4)
    digits = (bits[i : i + 4] for i in range(0, len(bits), 4))
    return "0x" + "".join("X" if set(d) - {"0", "1"} else f"{int(d, 2):x}" for d in digits)


PAGE = Layout(("vpn", 52), ("ppn", 44), ("fault", 6), ("gpn", 52))

STIM = Layout(
    ("page1", PAGE.width),
    ("page0", PAGE.width),
    ("pages", 2),
    ("irq_valid", 1),
    ("irq_elem", 13),
    ("vsfs_dirty", 1),
    ("fs_dirty", 1),
    ("virt", 1),
    ("prv", 2),
    ("rs2", 64),
    ("rs1", 64),
    ("insn", 32),
    ("more", 1),
    ("issue", 1),
    ("go", 1),
)

PAGES = 2  # pages that a request has room for,
MANY = 3  # and the number that says that there are more

OBS = Layout(
    ("trap", 1),
    ("irq", 1),
    ("cause", 6),
    ("tval", 64),
    ("tval2", 64),
    ("rd_we", 1),
    ("rd", 64),
    ("vd_mask", 32),
    ("changed", 32),
    ("vl", 64),
    ("vtype", 64),
    ("vstart", 64),
    ("vcsr", 3),
    ("mstatus_vs", 2),
    ("vsstatus_vs", 2),
    ("cycles", 32),
    ("bus_busy", 32),
    ("read_bursts", 16),
    ("read_beats", 16),
    ("write_beats", 16),
    ("errors", 32),
    ("at", 64),
)

CFG = Layout(
    ("ram_base", 56),
    ("ram_size", 56),
    ("fill", 8),
    ("random", 1),
    ("latency", 8),
    ("stall", 8),
    ("xlat", 8),
    ("seed", 32),
)

POKE = Layout(("addr", 56), ("strb", 8), ("data", 64))
POKES = 16
LOG_BEATS = 16

# Text of every bit of the sticky errors, by bit number.
ERRORS = (
    "read burst crosses a 4 KiB boundary",
    "write burst crosses a 4 KiB boundary",
    "read burst is not full-width INCR",
    "write burst is not full-width INCR",
    "read address changed before it was accepted",
    "write address changed before it was accepted",
    "write data changed before it was accepted",
    "WLAST is not on the last beat of its burst",
    "write data without an address",
    "write strobe below the start of the burst",
    "read from a page that was not translated for loading",
    "write to a page that was not translated for storing",
    "retired with bus transactions outstanding",
    "X or Z on a bus control signal",
    "translation requested for a page that the instruction does not touch",
    "translation request changed before it was answered",
    "retired without an instruction",
    "no retirement: the instruction hangs",
    "bus error response (an access outside RAM)",
    "more bus traffic than the logs hold",
    "bus request without an instruction",
    "write data shows bytes that it does not store",
)

XLAT_PAGE = 1 << 14  # what an instruction causes that accesses memory although it must trap


def error_texts(errors: int) -> Iterable[str]:
    """Return the texts of the bits that are set."""
    return (text for bit, text in enumerate(ERRORS) if errors >> bit & 1)
