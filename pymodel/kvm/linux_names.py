# SPDX-License-Identifier: Apache-2.0
"""What the functions that are marked in traces are called in Linux."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

LINUX_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "boot": "riscv_kvm_init",
        "vcpu_create": "kvm_arch_vcpu_create",
        "vcpu_reset": "kvm_riscv_reset_vcpu",
        "vcpu_load": "kvm_arch_vcpu_load",
        "vcpu_put": "kvm_arch_vcpu_put",
        "vcpu_destroy": "kvm_arch_vcpu_destroy",
        "guest_vector_save": "kvm_riscv_vcpu_guest_vector_save",
        "guest_vector_restore": "kvm_riscv_vcpu_guest_vector_restore",
        "host_vector_save": "kvm_riscv_vcpu_host_vector_save",
        "host_vector_restore": "kvm_riscv_vcpu_host_vector_restore",
        "guest": "__kvm_riscv_switch_to",
        "set_reg": "kvm_riscv_vcpu_set_reg",
        "get_reg": "kvm_riscv_vcpu_get_reg",
        "task": "user mode",
        "vstate_save": "riscv_v_vstate_save",
        "vstate_restore": "riscv_v_vstate_restore",
        "vstate_discard": "riscv_v_vstate_discard",
        "softirq": "handle_softirqs",
        "kernel_vector": "code between kernel_vector_begin and kernel_vector_end",
    }
)
"""By the name in a mark."""


def call_path(names: list[str]) -> str:
    """Return nested functions, the outermost first, as Linux calls them."""
    return " > ".join(LINUX_NAMES.get(name, name) for name in names)
