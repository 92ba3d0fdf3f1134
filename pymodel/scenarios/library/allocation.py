# SPDX-License-Identifier: Apache-2.0
"""Group F: memory: failed allocations, frees, stale contents, and the pointers to the buffers."""

from __future__ import annotations

from vctx.pymodel.kvm.alloc import AllocError
from vctx.pymodel.kvm.kernel import Kernel
from vctx.pymodel.kvm.state import Vcpu
from vctx.pymodel.kvm.vector import vector_reset
from vctx.pymodel.scenarios.lab import RAM_BASE_NO_V, Group, Lab

GROUP = Group("F", "memory")

_LIVES = 100  # a leak of one object shows after one; growth by fragmentation, after a few


@GROUP.scenario(60, checks=["no-memory-lost"])
def create_fails_for_want_of_memory(lab: Lab) -> None:
    """Each allocation of vcpu_create fails in turn: ENOMEM, and nothing is left allocated."""
    kernel = lab.kernel(harts=1)
    vm = kernel.vm_create("scalar")
    before = len(kernel.alloc.outstanding)
    for nth in (1, 2, 3):
        kernel.alloc.fail_nth(nth)
        found = lab.outcome(kernel.vcpu_create, vm, 1)
        kernel.alloc.fail_nth(0)
        call = f"vcpu_create whose allocation {nth} fails"
        lab.equal("no-memory-lost", call, "-ENOMEM", found)
        left = [block.owner for block in kernel.alloc.outstanding[before:]]
        lab.equal("no-memory-lost", f"{call}: still allocated", [], left, ["S5"])


@GROUP.scenario(61, checks=["no-memory-lost", "one-pointer"])
def destroy_frees_everything_once(lab: Lab) -> None:
    """Two buffers, freed once each, and one context only that knows the guest's."""
    kernel = lab.kernel(harts=1)
    vm = kernel.vm_create("canary")
    before = len(kernel.alloc.outstanding)
    vcpu = kernel.vcpu_create(vm, 1)
    lab.rounds(vcpu, kernel.harts[0], 1)
    live, template = vcpu.guest_context.vector["datap"], vcpu.reset_context.vector["datap"]
    call = "guest_context and reset_context after create"
    found = f"both hold {live:#x}" if live == template else "one holds it"
    lab.check("one-pointer", live != template, call, "one holds the buffer's address", found, ["S6"])
    buffers = [block for block in kernel.alloc.outstanding[before:] if block.size == kernel.vsize]
    lab.equal("no-memory-lost", "buffers of a vCPU", 2, len(buffers))
    with lab.survives("no-memory-lost", "vcpu_destroy"):
        kernel.vcpu_destroy(vcpu)
    left = [block.owner for block in kernel.alloc.outstanding if block.owner.startswith(vcpu.name)]
    lab.equal("no-memory-lost", "still allocated after destroy", [], left)
    for block in buffers:
        refused = ""
        try:
            kernel.alloc.kfree(kernel.harts[0], block.address)
        except AllocError as error:
            refused = str(error)
        lab.check("no-memory-lost", "double free" in refused, f"{block.owner} after destroy", "freed already", refused)


@GROUP.scenario(62, checks=["no-stale-heap"])
def stale_heap_stays_hidden(lab: Lab) -> None:
    """On a poisoned heap, no register of a new vCPU shows a byte of the poison, whether it has V or gets it later."""
    kernel = lab.kernel(harts=1)
    for allowed in (True, False):
        vcpu = lab.vcpu(kernel, "scalar", v_allowed=allowed)
        datap = vcpu.guest_context.vector["datap"]
        call = f"buffer of a vCPU created with V {'allowed' if allowed else 'denied'}"
        lab.equal("no-stale-heap", call, bytes(32), kernel.memory.read(datap, kernel.vsize)[:32], ["S9"])
        if not allowed and lab.outcome(kernel.set_reg, vcpu, lab.isa_id("v"), 1) == "0":
            found = lab.outcome(_check_zero, lab, kernel, vcpu)
            lab.equal("no-stale-heap", "get v0 after V was enabled", "0", found, ["S1"])


def _check_zero(lab: Lab, kernel: Kernel, vcpu: Vcpu) -> None:
    data = kernel.get_reg(vcpu, lab.vreg_id(0))
    lab.equal("no-stale-heap", "v0 after V was enabled", bytes(32), data, ["S9"])


@GROUP.scenario(63, checks=["no-memory-lost"])
def a_hundred_lives(lab: Lab) -> None:
    """Create, run and destroy a hundred vCPUs: memory in use does not grow."""
    kernel = lab.kernel(harts=1)
    vm = kernel.vm_create("scalar")
    before = len(kernel.alloc.outstanding)
    for _ in range(_LIVES):
        vcpu = kernel.vcpu_create(vm, 1)
        kernel.vcpu_destroy(vcpu)
    lab.equal("no-memory-lost", f"allocations after {_LIVES} lives", before, len(kernel.alloc.outstanding))
    with lab.survives("guards-intact", f"heap after {_LIVES} lives"):
        kernel.alloc.check_guards()


@GROUP.scenario(62, 64, checks=["no-needless-write"])
def reset_without_v_writes_nothing(lab: Lab) -> None:
    """Resetting a guest without V: no memset of its buffer, and none of a null pointer on a host without V."""
    kernel = lab.kernel(harts=1, ram_base=RAM_BASE_NO_V)
    hart = kernel.harts[0]
    vcpu = lab.vcpu_without_v(kernel, "scalar")
    datap = vcpu.guest_context.vector["datap"]
    lab.tap.stores.clear()
    vector_reset(vcpu, hart)
    wrote = lab.tap.stored_in(datap, kernel.vsize)
    call = "vector_reset of a guest without V"
    found = f"memset of {kernel.vsize} bytes"
    lab.check("no-needless-write", not wrote, call, "no write to its buffer", found, ["S10"])
    without = lab.kernel(harts=1, has_v=False)
    vcpu = lab.vcpu(without, "scalar")
    lab.tap.stores.clear()
    with lab.survives("no-oops", "vector_reset on a host without V"):
        vector_reset(vcpu, without.harts[0])
    lab.check(
        "no-needless-write", not lab.tap.stored_in(0, 4096), "vector_reset on a host without V", "no write", "a write"
    )
