"""The golden hypervisor: KVM's handling of vector state, by the kernel's function names."""

from __future__ import annotations

from pymodel.kvm.alloc import AllocError
from pymodel.kvm.errors import KernelMisuseError, KernelOops, KvmError
from pymodel.kvm.exits import Exit, ExitReason
from pymodel.kvm.gstage import Vm
from pymodel.kvm.host import HostTask
from pymodel.kvm.kernel import Kernel, Probe
from pymodel.kvm.machine import RAM_BASE, RAM_SIZE, CsrWrite, KernelObserver, Slice
from pymodel.kvm.power import MpState
from pymodel.kvm.thread import Step, Thread, VFlag
from pymodel.kvm.usercopy import UserBuffer
from pymodel.kvm.vcpu import Vcpu
from pymodel.kvm.version import CLEAN, DEFERRED, LINUX_6_12, V6_5, V12, KernelVersion, by_name, versions

__all__ = [
    "CLEAN",
    "DEFERRED",
    "LINUX_6_12",
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
    "MpState",
    "Probe",
    "Slice",
    "Step",
    "Thread",
    "UserBuffer",
    "VFlag",
    "Vcpu",
    "Vm",
    "by_name",
    "versions",
]
