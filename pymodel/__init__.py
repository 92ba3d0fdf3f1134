"""Golden models: the architecture (isa), the hypervisor (kvm), traces and scenarios. No simulator is imported here."""
