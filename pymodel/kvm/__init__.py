"""The golden hypervisor: KVM's handling of vector state, by the kernel's function names."""

from __future__ import annotations

from pymodel.kvm.alloc import AllocError
from pymodel.kvm.errors import KernelMisuseError, KernelOops, KvmError
from pymodel.kvm.exits import Exit, ExitReason
from pymodel.kvm.gstage import Vm
from pymodel.kvm.host import HostTask
from pymodel.kvm.kernel import Kernel, Probe
from pymodel.kvm.machine import RAM_BASE, RAM_SIZE, CsrWrite, KernelObserver, Slice
from pymodel.kvm.vcpu import Vcpu
from pymodel.kvm.version import V6_5, V12, KernelVersion, by_name, versions

__all__ = [
    "RAM_BASE",
    "RAM_SIZE",
    "V6_5",
    "V12",
    "AllocError",
    "CsrWrite",
    "Exit",
    "ExitReason",
    "HostTask",
    "Kernel",
    "KernelMisuseError",
    "KernelObserver",
    "KernelOops",
    "KernelVersion",
    "KvmError",
    "Probe",
    "Slice",
    "Vcpu",
    "Vm",
    "by_name",
    "versions",
]
