# SPDX-License-Identifier: Apache-2.0
"""A real Linux KVM under QEMU, driven with a fresh seed, as the judge of the golden hypervisor."""
