# SPDX-License-Identifier: Apache-2.0
"""The monitor of a hart: turns what the HDL observed of an instruction into the record that the trace expects.

X or Z is never resolved: a field that has one keeps its bits as text and fails the comparison by name.
"""

from __future__ import annotations

from typing import Any

from cocotb_bus.monitors import BusMonitor

from vctx.pymodel.trace import Retire, Trap
from vctx.tb.replay.layout import LOG_BEATS, OBS, hexadecimal
from vctx.tb.replay.observation import Observation


class RetireMonitor(BusMonitor):
    """Retire port, register file and bus log of one hart; produces one `Observation` an instruction."""

    _signals = ("done", "obs", "vregs", "vd_first", "vd_group")

    def __init__(self, hart: Any, clock: Any, vlen: int, dlen: int) -> None:
        self._vlen = vlen
        self._vlenb = vlen // 8
        self._beat_bytes = dlen // 8
        self._reads = hart.u_reads.chunks
        self._writes = hart.u_writes.chunks
        super().__init__(hart, None, clock, case_insensitive=False)
        OBS.check("obs", len(self.bus.obs))

    async def _monitor_recv(self) -> None:
        changed = self.bus.done.value_change
        while True:
            await changed
            self._recv(self._observe())

    def all_registers(self, observation: Observation) -> None:
        """Put all 32 registers, as they were at the last observation, into `observation`."""
        self._registers(0xFFFFFFFF, observation)

    def _observe(self) -> Observation:
        bits = str(self.bus.obs.value)
        unknown = {}
        try:
            vector = int(bits, 2)
        except ValueError:
            unknown = {name: hexadecimal(text) for name, text in OBS.unknown(bits)}
            vector = int("".join(bit if bit in "01" else "0" for bit in bits), 2)
        (
            trap,
            irq,
            cause,
            tval,
            tval2,
            rd_we,
            rd,
            vd_mask,
            changed,
            vl,
            vtype,
            vstart,
            vcsr,
            mstatus_vs,
            vsstatus_vs,
            cycles,
            bus_busy,
            read_bursts,
            read_beats,
            write_beats,
            errors,
            at,
        ) = OBS.unpack(vector)
        vregs: dict[int, bytes] = {}
        mem: dict[int, int] = {}
        retire = Retire(
            Trap(cause, tval, tval2) if trap else None,
            bool(irq),
            rd if rd_we else None,
            vl,
            vtype,
            vstart,
            vcsr,
            mstatus_vs,
            vsstatus_vs,
            vregs,
            mem,
        )
        observation = Observation(
            retire, unknown, errors, cycles, bus_busy, bytes_read=read_beats * self._beat_bytes, time=at
        )
        if vd_mask | changed:
            self._registers(vd_mask | changed, observation)
        if read_bursts:
            self._read_log(read_bursts, observation)
        if write_beats:
            self._write_log(write_beats, observation)
        return observation

    def _registers(self, mask: int, observation: Observation) -> None:
        """Fetch the registers in `mask`, with the narrowest vector that holds them."""
        vlen, vlenb = self._vlen, self._vlenb
        lowest = (mask & -mask).bit_length() - 1
        if mask >> lowest == 1:
            base, bits = lowest, str(self.bus.vd_first.value)
        elif mask >> lowest < 1 << 8:
            base, bits = min(lowest, 24), str(self.bus.vd_group.value)
        else:
            base, bits = 0, str(self.bus.vregs.value)
        vregs: dict[int, bytes] = observation.retire.vregs  # type: ignore[assignment]
        top = len(bits) + base * vlen
        for reg in range(lowest, mask.bit_length()):
            if mask >> reg & 1:
                text = bits[top - (reg + 1) * vlen : top - reg * vlen]
                try:
                    vregs[reg] = int(text, 2).to_bytes(vlenb, "little")
                except ValueError:
                    observation.unknown[f"v{reg}"] = hexadecimal(text)[2:]

    def _read_log(self, count: int, observation: Observation) -> None:
        beat = self._beat_bytes
        for entry in _entries(self._reads, 64, count):
            addr, length = int(entry[:56], 2), int(entry[56:], 2)
            observation.reads.append((addr & -beat, (length + 1) * beat))

    def _write_log(self, count: int, observation: Observation) -> None:
        beat = self._beat_bytes
        full = (1 << beat) - 1
        mem: dict[int, int] = observation.retire.mem  # type: ignore[assignment]
        for entry in _entries(self._writes, 56 + 9 * beat, count):
            addr, strb = int(entry[:56], 2), int(entry[56 : 56 + beat], 2)
            text = entry[56 + beat :]
            observation.writes.append((addr, strb))
            observation.bytes_written += strb.bit_count()
            try:
                data = int(text, 2).to_bytes(beat, "little")
            except ValueError:
                self._unknown_store(addr, strb, text, observation)
                continue
            if strb == full:
                mem.update(zip(range(addr, addr + beat), data, strict=True))
            else:
                mem.update((addr + i, data[i]) for i in range(beat) if strb >> i & 1)

    def _unknown_store(self, addr: int, strb: int, text: str, observation: Observation) -> None:
        """A beat with X or Z somewhere: it matters only in the bytes that are stored."""
        mem: dict[int, int] = observation.retire.mem  # type: ignore[assignment]
        for i in range(self._beat_bytes):
            byte = text[len(text) - 8 * (i + 1) : len(text) - 8 * i]
            if strb >> i & 1:
                if set(byte) <= {"0", "1"}:
                    mem[addr + i] = int(byte, 2)
                else:
                    observation.unknown[f"mem[{addr + i:#x}]"] = hexadecimal(byte)


def _entries(chunks: Any, width: int, count: int) -> list[str]:
    """Fetch the first `count` entries, `width` bits each, of a log as bit strings."""
    out: list[str] = []
    for chunk in range(-(-count // LOG_BEATS)):
        bits = str(chunks[chunk].value)
        entries = min(count - len(out), LOG_BEATS)
        out += (bits[len(bits) - width * (i + 1) : len(bits) - width * i] for i in range(entries))
    return out
