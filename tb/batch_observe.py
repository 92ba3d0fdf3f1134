"""What the batch testbench saw: binary observations as numpy arrays, and single ones as `Observation`.

A simulator with four-valued logic writes each 32-bit word as two, value and unknown bits. Unknown bits are kept apart,
never resolved: whatever has one fails the comparison.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pymodel.trace import Retire, Trap
from pymodel.trace.bulk import Array
from tb.layout import hexadecimal
from tb.observe import Observation

# rec_obs_t, its last member first. Members of one byte each hold a narrower value.
OBS = np.dtype(
    [
        ("hart", "u1"),
        ("trap", "u1"),
        ("irq", "u1"),
        ("rd_we", "u1"),
        ("cause", "u1"),
        ("vcsr", "u1"),
        ("mstatus_vs", "u1"),
        ("vsstatus_vs", "u1"),
        ("tval", "<u8"),
        ("tval2", "<u8"),
        ("rd", "<u8"),
        ("vl", "<u8"),
        ("vtype", "<u8"),
        ("vstart", "<u8"),
        ("vd_mask", "<u4"),
        ("changed", "<u4"),
        ("cycles", "<u4"),
        ("bus_busy", "<u4"),
        ("read_bursts", "<u4"),
        ("read_beats", "<u4"),
        ("write_beats", "<u4"),
        ("errors", "<u4"),
    ]
)
# Fields that can be unknown, in the order in which reports name them, with their width in bits.
FIELD_BITS = {
    "trap": 1,
    "irq": 1,
    "cause": 6,
    "tval": 64,
    "tval2": 64,
    "rd_we": 1,
    "rd": 64,
    "vd_mask": 32,
    "changed": 32,
    "vl": 64,
    "vtype": 64,
    "vstart": 64,
    "vcsr": 3,
    "mstatus_vs": 2,
    "vsstatus_vs": 2,
}
READ = np.dtype([("len", "u1"), ("addr", "u1", (7,)), ("hart", "<u8")])


def write_dtype(dlen: int) -> np.dtype:
    """One write beat: data, byte strobes, address, hart."""
    return np.dtype(
        [("data", "u1", (dlen // 8,)), ("strb", "u1", (max(8, dlen // 64),)), ("addr", "u1", (7,)), ("hart", "u1")]
    )


def four_valued(data: bytes) -> tuple[Array, Array]:
    """Return (value, unknown) bytes of words that come as pairs; unknown bits have value 0."""
    words = np.frombuffer(data, "<u4").reshape(-1, 2)
    unknown = np.ascontiguousarray(words[:, 1])
    return (words[:, 0] & ~unknown).view(np.uint8), unknown.view(np.uint8)


def address(packed: Array) -> Array:
    """Return 56-bit addresses, least significant byte first, as int64."""
    wide = np.zeros((len(packed), 8), np.uint8)
    wide[:, :7] = packed
    return wide.view("<i8").ravel()


@dataclass(slots=True)
class Observed:
    """Observations of one chunk, hart by hart.

    Attributes:
        obs, obs_unknown: OBS of each item, and the unknown bits in the same places.
        reg_counts, vregs, vregs_unknown: registers fetched for each item, and their bytes, one row a register.
        write_counts, writes, writes_unknown: write beats of each item.
        read_counts, reads: read bursts of each item.
        cycles, bus_busy, bytes_read: of each item.
    """

    obs: Array
    obs_unknown: Array | None
    reg_counts: Array
    vregs: Array
    vregs_unknown: Array | None
    write_counts: Array
    writes: Array
    writes_unknown: Array | None
    read_counts: Array
    reads: Array
    bus_busy: Array
    bytes_read: Array

    def fetched(self) -> Array:
        """Return the mask of registers that were written to the file, for each item."""
        mask: Array = self.obs["vd_mask"] | self.obs["changed"]
        if self.obs_unknown is not None:
            mask = mask | self.obs_unknown["vd_mask"] | self.obs_unknown["changed"]
        return mask

    def observation(self, item: int, dlen: int, *, checkpoint: bool) -> Observation:
        """Return one item as the step-by-step replay would have seen it."""
        o = self.obs[item]
        unknown = {}
        if self.obs_unknown is not None:
            u = self.obs_unknown[item]
            unknown = {
                name: hexadecimal(_bits(int(o[name]), int(u[name]), width))
                for name, width in FIELD_BITS.items()
                if int(u[name])
            }
        vregs: dict[int, bytes] = {}
        mask = int(self.fetched()[item])
        row = int(self.reg_counts[:item].sum())
        for reg in range(32):
            if mask >> reg & 1:
                value = self.vregs[row].tobytes()
                u_value = b"" if self.vregs_unknown is None else self.vregs_unknown[row].tobytes()
                if any(u_value):
                    number, bits = int.from_bytes(value, "little"), int.from_bytes(u_value, "little")
                    unknown[f"v{reg}"] = hexadecimal(_bits(number, bits, 8 * len(value)))[2:]
                else:
                    vregs[reg] = value
                row += 1
        mem: dict[int, int] = {}
        first = int(self.write_counts[:item].sum())
        for n in range(first, first + int(self.write_counts[item])):
            beat = self.writes[n]
            addr = int.from_bytes(beat["addr"].tobytes(), "little")
            strb = int.from_bytes(beat["strb"].tobytes(), "little")
            for i in range(dlen // 8):
                if strb >> i & 1:
                    u_byte = 0 if self.writes_unknown is None else int(self.writes_unknown[n]["data"][i])
                    if u_byte:
                        unknown[f"mem[{addr + i:#x}]"] = hexadecimal(_bits(int(beat["data"][i]), u_byte, 8))
                    else:
                        mem[addr + i] = int(beat["data"][i])
        retire = Retire(
            Trap(int(o["cause"]), int(o["tval"]), int(o["tval2"])) if o["trap"] and not checkpoint else None,
            bool(o["irq"]),
            int(o["rd"]) if o["rd_we"] else None,
            vregs=vregs,
            mem=mem,
            **{name: int(o[name]) for name in ("vl", "vtype", "vstart", "vcsr", "mstatus_vs", "vsstatus_vs")},
        )
        return Observation(retire, unknown, int(o["errors"]))


def _bits(value: int, unknown: int, width: int) -> str:
    return "".join("X" if unknown >> i & 1 else str(value >> i & 1) for i in range(width - 1, -1, -1))
