# SPDX-License-Identifier: Apache-2.0
"""How a modelled kernel says that it cannot go on."""

from __future__ import annotations

from vctx.pymodel.isa import HartError
from vctx.pymodel.kvm.alloc import AllocError
from vctx.pymodel.kvm.errors import KernelMisuseError, KernelOops, KvmError
from vctx.pymodel.kvm.linux_names import call_path

FAULTS = (KernelOops, AllocError, KvmError, HartError)
"""It faulted, misused memory, refused what must be served, or ran away. None of them is a mistake of the model."""

ENDS = (*FAULTS, KernelMisuseError, StopIteration)
"""How a scenario may end that the kernel does not let come to its own end."""


def describe(error: BaseException) -> str:
    """Return a fault in a line."""
    if isinstance(error, StopIteration):
        return f"KVM_RUN returned early, with {error.value}"
    functions = error.functions if isinstance(error, KernelOops) else []
    return f"{type(error).__name__}: {error}" + (f", in {call_path(functions)}" if functions else "")
