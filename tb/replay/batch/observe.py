# SPDX-License-Identifier: Apache-2.0
"""What the batch testbench saw: binary observations as numpy arrays, and single ones as `Observation`.

A simulator with four-valued logic writes each 32-bit word as two, value and unknown bits. Unknown bits are kept apart,
never resolved: whatever has one fails the comparison.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from vctx.pymodel.trace import Retire, Trap
from vctx.pymodel.trace.bulk import Array, in_order, spread, sums
from vctx.tb.replay.layout import hexadecimal
from vctx.tb.replay.observation import Observation
from vctx.tb.replay.result import ReplayConfig

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
        ("at", "<u8"),
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
READ = np.dtype([("burst", "<u8"), ("hart", "<u8")])  # a burst is its address and, in the lowest byte, beats less 1
_HART_SHIFT = 56  # of a beat
_BEAT_ADDR = (1 << _HART_SHIFT) - 1
_ALL = 1 << 40  # more records than a chunk can have
_TOTALS = ("bus_busy", "read_bursts", "read_beats", "write_beats")  # of OBS: they count from the start

Source = Callable[[int], bytes]  # returns that many bytes of a stream, fewer only at its end


def write_dtype(dlen: int) -> np.dtype:
    """One write beat: data, byte strobes, and the address with the hart above it."""
    return np.dtype([("data", "u1", (dlen // 8,)), ("strb", "<u8", (-(-dlen // 512),)), ("beat", "<u8")])


def four_valued(data: bytes) -> tuple[Array, Array]:
    """Return (value, unknown) bytes of words that come as pairs; unknown bits have value 0."""
    words = np.frombuffer(data, "<u4").reshape(-1, 2)
    unknown = np.ascontiguousarray(words[:, 1])
    return (words[:, 0] & ~unknown).view(np.uint8), unknown.view(np.uint8)


def strobed_lanes(strb: Array, dlen: int) -> Array:
    """Return one row of lanes, 0 or 1, for each row of strobes."""
    return np.unpackbits(np.ascontiguousarray(strb).view(np.uint8), axis=1, bitorder="little")[:, : dlen // 8]


@dataclass(slots=True)
class Observed:
    """Observations of one chunk, hart by hart.

    Attributes:
        obs, obs_unknown: OBS of each item, and the unknown bits in the same places.
        fetched: mask of the registers fetched for each item: those that were written, or said to be.
        reg_counts, vregs, vregs_unknown: registers fetched for each item, and their bytes, one row a register.
        write_counts, writes, writes_unknown: write beats of each item.
        read_counts, reads: read bursts of each item.
        bus_busy, bytes_read: of each item.
        strobed, beat_addr: of each write beat, the number of bytes written, and the address of its first lane.
    """

    obs: Array
    obs_unknown: Array | None
    fetched: Array
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
    strobed: Array = field(init=False)
    beat_addr: Array = field(init=False)

    def __post_init__(self) -> None:
        strobed = np.bitwise_count(self.writes["strb"])
        self.strobed = strobed[:, 0].astype(np.int64) if strobed.shape[1] == 1 else strobed.sum(1, np.int64)
        self.beat_addr = (self.writes["beat"] & _BEAT_ADDR).astype(np.int64)

    def bytes_written(self) -> Array:
        """Return the number of bytes that each item wrote."""
        return sums(self.strobed, self.write_counts)

    def burst_addr(self) -> Array:
        """Return the address of each read burst."""
        return (self.reads["burst"] >> 8).astype(np.int64)

    def burst_beats(self) -> Array:
        """Return the number of beats of each read burst."""
        return (self.reads["burst"] & 0xFF).astype(np.int64) + 1

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
        mask = int(self.fetched[item])
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
            addr = int(self.beat_addr[n])
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
        return Observation(retire, unknown, int(o["errors"]), time=int(o["at"]))


class ObservationReader:
    """Reads what a testbench writes, a chunk at a time.

    Args:
        streams: the files "obs", "vregs", "reads", "writes" of the testbench.
        four_state: the simulator writes unknown bits.
    """

    def __init__(self, config: ReplayConfig, streams: Mapping[str, Source], *, four_state: bool) -> None:
        self._harts = config.harts
        self._streams = streams
        self._four_state = four_state
        self._register = np.dtype([("value", "u1", (config.vlen // 8,))])
        self._write = write_dtype(config.dlen)
        self._beat_bytes = config.dlen // 8
        self._last = np.zeros((len(_TOTALS), config.harts), np.uint32)  # totals at each hart's last observation

    def chunk(self, count: int) -> Observed:
        """Return the next `count` observations; fewer if the testbench gave up.

        Raises:
            EOFError: the testbench stopped amid an observation.
        """
        obs, obs_u = self._fetch("obs", OBS, count)
        order = np.argsort(obs["hart"], kind="stable") if self._harts > 1 else None
        mask = obs["vd_mask"] | obs["changed"]
        if obs_u is not None:
            mask |= obs_u["vd_mask"] | obs_u["changed"]
        reg_counts = np.bitwise_count(mask).astype(np.int64)
        rows, rows_u = self._fetch_all("vregs", self._register, int(reg_counts.sum()))
        if order is not None:
            starts = np.cumsum(reg_counts) - reg_counts
            reg_counts = reg_counts[order]
            pick = spread(starts[order], reg_counts)
            rows, rows_u = in_order(rows, pick), None if rows_u is None else in_order(rows_u, pick)
            obs, obs_u = in_order(obs, order), None if obs_u is None else in_order(obs_u, order)
            mask = mask[order]
        busy, bursts, beats, written = self._since_last(obs)
        each = [(obs["hart"] == hart) for hart in range(self._harts)]
        gave_up = len(obs) < count
        reads, _ = self._traffic("reads", READ, [int(bursts[mine].sum()) for mine in each], gave_up)
        writes, writes_u = self._traffic("writes", self._write, [int(written[mine].sum()) for mine in each], gave_up)
        return Observed(
            obs=obs,
            obs_unknown=obs_u,
            fetched=mask,
            reg_counts=reg_counts,
            vregs=rows["value"],
            vregs_unknown=None if rows_u is None else rows_u["value"],
            write_counts=written,
            writes=writes,
            writes_unknown=writes_u,
            read_counts=bursts,
            reads=reads,
            bus_busy=busy,
            bytes_read=beats * self._beat_bytes,
        )

    def surplus(self) -> np.void | None:
        """Return the next observation, or None at the end."""
        obs, _ = self._fetch("obs", OBS, 1)
        return obs[0] if len(obs) else None

    def _fetch(self, name: str, dtype: np.dtype, count: int) -> tuple[Array, Array | None]:
        """Return up to `count` records of a stream, and their unknown bits."""
        size = dtype.itemsize
        if not self._four_state:
            data = self._streams[name](count * size)
            return np.frombuffer(data[: len(data) // size * size], dtype), None
        data = self._streams[name](2 * count * size)
        value, unknown = four_valued(data[: len(data) // (2 * size) * 2 * size])
        return value.view(dtype), unknown.view(dtype) if unknown.any() else None

    def _fetch_all(self, name: str, dtype: np.dtype, count: int) -> tuple[Array, Array | None]:
        """Return `count` records of a stream, and their unknown bits."""
        value, unknown = self._fetch(name, dtype, count)
        if len(value) < count:
            raise EOFError
        return value, unknown

    def _traffic(self, name: str, dtype: np.dtype, counts: Sequence[int], gave_up: bool) -> tuple[Array, Array | None]:
        """Return what the observed instructions moved, counts[i] records of hart i, hart by hart; see `_fetch`.

        Args:
            gave_up: there is more in between, of instructions that were not finished.
        """
        total = sum(counts)
        if self._harts == 1:
            return self._fetch_all(name, dtype, total)
        value, unknown = self._fetch(name, dtype, _ALL if gave_up else total)
        hart = (value["hart"] if name == "reads" else value["beat"] >> _HART_SHIFT).astype(np.uint8)
        order = np.concatenate([np.flatnonzero(hart == i)[:wanted] for i, wanted in enumerate(counts)])
        if len(order) < total:
            raise EOFError
        return in_order(value, order), None if unknown is None else in_order(unknown, order)

    def _since_last(self, obs: Array) -> list[Array]:
        """Return what each of the totals of each observation adds to those of the hart's observation before it."""
        starts = np.searchsorted(obs["hart"], np.arange(self._harts + 1))
        present = np.flatnonzero(starts[1:] > starts[:-1])
        first, last = starts[present], starts[present + 1] - 1
        out = []
        for name, before_all in zip(_TOTALS, self._last, strict=True):
            total = np.ascontiguousarray(obs[name])
            before = np.empty_like(total)
            before[1:] = total[:-1]
            before[first] = before_all[present]
            before_all[present] = total[last]
            out.append((total - before).astype(np.int64))  # they wrap around at 32 bits, and so does this
        return out


def _bits(value: int, unknown: int, width: int) -> str:
    return "".join("X" if unknown >> i & 1 else str(value >> i & 1) for i in range(width - 1, -1, -1))
