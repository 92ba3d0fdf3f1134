# SPDX-License-Identifier: Apache-2.0
"""Golden models: the architecture (isa), the hypervisor (kvm), traces and scenarios. No simulator is imported here."""
