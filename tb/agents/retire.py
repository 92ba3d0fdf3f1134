# SPDX-License-Identifier: Apache-2.0
"""What the block says at its retire port, and what its register file holds."""

from __future__ import annotations

from collections.abc import Callable

from cocotb.triggers import RisingEdge, ValueChange
from cocotb_bus.monitors import BusMonitor

from vctx.pymodel.trace import Retire, Trap
from vctx.tb.agents.pins import Errors, Handle, high, low, unknown
from vctx.tb.replay.layout import hexadecimal
from vctx.tb.replay.observation import Observation

Effects = tuple[dict[int, int], dict[str, str]]  # bytes stored by address; bytes with X or Z by name

_RETIRE = ("trap", "irq", "cause", "tval", "tval2", "rd_we", "rd", "vd_mask")
_STATE = ("vl", "vtype", "vstart", "vcsr", "mstatus_vs", "vsstatus_vs")
_REGISTERS = 32


class RegisterFile:
    """The 32 vector registers, read where the block keeps them: bits 64*b upwards of row r are `gen_bank[b].mem[r]`.

    Args:
        scope: the `u_regfile` of the block, or anything built like it.
        dlen: bits in a row.

    Attributes:
        vlen: bits in a register.

    Example::

        registers = RegisterFile(dut.u_regfile, dlen=128)
        assert registers.read(8) == bytes(32)
    """

    def __init__(self, scope: Handle, dlen: int) -> None:
        self._banks = [scope.gen_bank[bank].mem for bank in range(dlen // 64)]
        rows = len(self._banks[0])
        self._rows = rows // _REGISTERS  # of a register
        self.vlen = self._rows * dlen

    def bits(self, register: int) -> str:
        """Return v<register> as VLEN characters 0, 1, X or Z, the most significant first."""
        rows = range(register * self._rows, (register + 1) * self._rows)
        return "".join(str(bank[row].value) for row in reversed(rows) for bank in reversed(self._banks))

    def read(self, register: int) -> bytes:
        """Return v<register>, VLEN/8 bytes, byte 0 first; ValueError if a bit of it is X or Z."""
        return int(self.bits(register), 2).to_bytes(self.vlen // 8, "little")


class RetireMonitor(BusMonitor):
    """Hands on an `Observation` of each instruction that retires, taken in the cycle of `retire_valid_o`.

    X and Z are never resolved: a field that has one is named in `Observation.unknown`.

    Pins: `retire_valid_o`, `retire_trap_o`, `retire_irq_o`, `retire_cause_o[5:0]`, `retire_tval_o[63:0]`,
    `retire_tval2_o[63:0]`, `retire_rd_we_o`, `retire_rd_o[63:0]`, `retire_vd_mask_o[31:0]`; the state: `vl_o[63:0]`,
    `vtype_o[63:0]`, `vstart_o[63:0]`, `vcsr_o[2:0]`, `mstatus_vs_o[1:0]`, `vsstatus_vs_o[1:0]`.

    Args:
        entity: the block, or whatever scope has signals of these names.
        clock: its clock.
        errors: the broken rules that the observations report.
        registers: where to read the registers that an instruction wrote; without, observations have none.
        stores: is called once an instruction, at its retirement, and returns what it has stored; default nothing.

    Example::

        monitor = RetireMonitor(dut, dut.clk_i, registers=RegisterFile(dut.u_regfile, 128))
        observation = await monitor.wait_for_recv()
        assert observation.retire.trap is None
    """

    _signals = {  # noqa: RUF012  # as cocotb-bus has it
        "valid": "retire_valid_o",
        **{name: f"retire_{name}_o" for name in _RETIRE},
        **{name: f"{name}_o" for name in _STATE},
    }

    def __init__(
        self,
        entity: Handle,
        clock: Handle,
        errors: Errors | None = None,
        registers: RegisterFile | None = None,
        stores: Callable[[], Effects] | None = None,
    ) -> None:
        self._errors = errors or Errors()
        self._registers = registers
        self._stores = stores
        super().__init__(entity, None, clock, case_insensitive=False)

    def stop(self) -> None:
        """Watch no more; for a reset."""
        self._thread.cancel()

    async def _monitor_recv(self) -> None:
        valid, edge, changes = self.bus.valid, RisingEdge(self.clock), ValueChange(self.bus.valid)
        while True:
            if low(valid):
                await changes
            await edge
            if unknown(valid):
                raise AssertionError("retire_valid_o is X or Z")
            if high(valid):
                self._recv(self.observe())

    def observe(self, registers: int | None = None) -> Observation:
        """Return what the pins show now.

        Args:
            registers: bit i is set if v<i> is wanted; default those of `retire_vd_mask_o`.
        """
        clear: dict[str, int] = {}
        unclear: dict[str, str] = {}
        for name in (*_RETIRE, *_STATE):
            text = str(getattr(self.bus, name).value)
            if text.strip("01"):
                unclear[name] = hexadecimal(text)
                text = "0"
            clear[name] = int(text, 2)
        vregs: dict[int, bytes] = {}
        mask = clear["vd_mask"] if registers is None else registers
        if self._registers is not None:
            for register in range(_REGISTERS):
                if mask >> register & 1:
                    bits = self._registers.bits(register)
                    if bits.strip("01"):
                        unclear[f"v{register}"] = hexadecimal(bits)[2:]
                    else:
                        vregs[register] = int(bits, 2).to_bytes(len(bits) // 8, "little")
        mem: dict[int, int] = {}
        if registers is None and self._stores is not None:
            mem, shown = self._stores()
            unclear |= shown
        trap = Trap(clear["cause"], clear["tval"], clear["tval2"]) if clear["trap"] else None
        rd = clear["rd"] if clear["rd_we"] else None
        state = {name: clear[name] for name in _STATE}
        retire = Retire(trap=trap, irq=bool(clear["irq"]), rd=rd, **state, vregs=vregs, mem=mem)
        return Observation(retire, unclear, self._errors.bits)
