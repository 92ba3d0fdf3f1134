# SPDX-License-Identifier: Apache-2.0
"""The golden hypervisor: KVM's handling of vector state, by the kernel's function names."""

from __future__ import annotations

from vctx.pymodel.kvm.alloc import AllocError
from vctx.pymodel.kvm.errors import KernelMisuseError, KernelOops, KvmError
from vctx.pymodel.kvm.exits import Exit, ExitReason
from vctx.pymodel.kvm.kernel import Kernel
from vctx.pymodel.kvm.machine import RAM_BASE, RAM_SIZE, CsrWrite, KernelObserver, Slice
from vctx.pymodel.kvm.power import MpState
from vctx.pymodel.kvm.state import HostTask, Probe, Step, Vcpu, Vm
from vctx.pymodel.kvm.thread import Thread, VFlag
from vctx.pymodel.kvm.usercopy import UserBuffer
from vctx.pymodel.kvm.version import (
    CLEAN,
    DEFERRED_MAINTAINER,
    LINUX_6_12,
    LINUX_7_2,
    LINUX_7_3,
    V6_5,
    V12,
    KernelVersion,
    by_name,
    versions,
)

__all__ = [
    "CLEAN",
    "DEFERRED_MAINTAINER",
    "LINUX_6_12",
    "LINUX_7_2",
    "LINUX_7_3",
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
