# SPDX-License-Identifier: Apache-2.0
"""Kernel structures in the hart's memory: fields by name, at the offsets of :mod:`pymodel.kvm.layout`."""

from __future__ import annotations

from collections.abc import Mapping

from vctx.pymodel.isa import Hart
from vctx.pymodel.kvm.layout import SR_VS
from vctx.pymodel.kvm.machine import Machine


class Struct:
    """A structure of 64-bit fields at a physical address; reads are plain memory, writes go into the trace."""

    def __init__(self, machine: Machine, address: int, fields: Mapping[str, int]) -> None:
        self.machine = machine
        self.address = address
        self._fields = fields

    def __getitem__(self, field: str) -> int:
        return self.machine.memory.load(self.address + self._fields[field], 8)

    def at(self, field: str) -> int:
        """Return the address of a field."""
        return self.address + self._fields[field]

    def store(self, hart: Hart, **values: int) -> None:
        """Write fields by name, in the given order, as `hart`."""
        for field, value in values.items():
            self.machine.write(hart, self.at(field), value.to_bytes(8, "little"))


class VState(Struct):
    """struct __riscv_v_ext_state: vstart, vl, vtype, vcsr, vlenb where the kernel has it, datap."""

    def __init__(self, machine: Machine, address: int) -> None:
        super().__init__(machine, address, machine.layout.fields("vstate"))

    @property
    def context(self) -> int:
        """The struct kvm_cpu_context that would hold this state; what vector_save and vector_restore take."""
        return self.address - self.machine.layout["context_vector"]


class CpuContext(Struct):
    """struct kvm_cpu_context: x0..x31, sepc, sstatus, hstatus, and the vector state."""

    def __init__(self, machine: Machine, address: int) -> None:
        layout = machine.layout
        gprs = {f"x{n}": 8 * n for n in range(32)}
        super().__init__(machine, address, layout.fields("context") | gprs)
        self.vector = VState(machine, address + layout["context_vector"])
        self.size = layout["context_size"]

    @property
    def vs(self) -> int:
        """The VS bits of the sstatus image, in place."""
        return self["sstatus"] & SR_VS

    def set_vs(self, hart: Hart, vs: int) -> None:
        """Replace the VS bits of the sstatus image."""
        self.store(hart, sstatus=self["sstatus"] & ~SR_VS | vs)


class VcpuCsr(Struct):
    """struct kvm_vcpu_csr: the guest's own CSRs while the vCPU is not loaded."""

    def __init__(self, machine: Machine, address: int) -> None:
        super().__init__(machine, address, machine.layout.fields("csr"))
        self.size = machine.layout["csr_size"]
