# SPDX-License-Identifier: Apache-2.0
"""Save, restore, and the VS transitions that decide when they happen; defects of the vector part, by S-number."""

from __future__ import annotations

import errno
import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kvm_driving import (
    BOTH,
    Log,
    State,
    booted,
    hw_state,
    make_vcpu,
    memory_state,
    random_state,
    run_rounds,
    run_to_user,
    set_hw_state,
    set_memory_state,
)

from vctx.pymodel.isa import decode
from vctx.pymodel.kvm import V6_5, V12, ExitReason, KernelOops, KernelVersion, KvmError
from vctx.pymodel.kvm import onereg_vector as vec
from vctx.pymodel.kvm.layout import SR_VS, VS_CLEAN, VS_DIRTY, VS_INITIAL, VS_OFF
from vctx.pymodel.kvm.onereg import isa_ext_id, vector_reg_id
from vctx.pymodel.kvm.vcpu import vcpu_load, vcpu_put

NOP = 0x13


@given(seed=st.integers(0, 2**32), vlen=st.sampled_from([128, 256, 1024]), version=st.sampled_from([V12, V6_5]))
@settings(max_examples=60, deadline=None)
def test_save_and_restore_are_inverse(seed: int, vlen: int, version: KernelVersion) -> None:
    kernel, rng = booted(version, vlen=vlen), random.Random(seed)
    hart, vcpu = kernel.harts[0], make_vcpu(kernel, "scalar")
    state = random_state(rng, vlen // 8)
    guest, host = vcpu.guest_context, vcpu.host_context

    set_hw_state(hart, state)
    kernel.call(hart, "vector_save", guest.address)
    assert memory_state(kernel, guest.vector) == state
    after = hw_state(hart)  # saving leaves the registers and vcsr, and vtype = e8,m8 with vl = VLMAX
    assert after == State(state.vregs, 8 * vlen // 8, 0xC3, 0, state.vcsr)

    set_hw_state(hart, random_state(rng, vlen // 8))
    kernel.call(hart, "vector_restore", guest.address)
    assert hw_state(hart) == state
    kernel.call(hart, "vector_save", host.address)
    assert memory_state(kernel, host.vector) == state
    assert hart.csr[0x100] & SR_VS == VS_OFF
    kernel.alloc.check_guards()


# Items 10 to 13: (routine, instruction to move, CSR, where to: in front of the n-th of this mnemonic, None deletes it).
MUTATIONS = {
    "restore vstart before vsetvl": ("vector_restore", "csrrw", 0x008, "vsetvl"),
    "restore no vcsr": ("vector_restore", "csrrw", 0x00F, None),
    "restore vstart before the loads": ("vector_restore", "csrrw", 0x008, "vle8.v"),
    "save vstart after vsetvli": ("vector_save", "vsetvli", None, "csrrs"),
    "save no vcsr": ("vector_save", "csrrs", 0x00F, None),
}


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_a_wrong_sequence_is_noticed(mutation: str) -> None:
    kernel, rng = booted(), random.Random(mutation)
    hart, vcpu = kernel.harts[0], make_vcpu(kernel, "scalar")
    symbol, mnemonic, csr, before = MUTATIONS[mutation]
    start = kernel.program.symbols[symbol]
    words = [kernel.memory.load(start + 4 * n, 4) for n in range(40)]
    words = words[: words.index(0x8067)]
    names = [decode(word).mnemonic for word in words]
    source = next(
        n for n, word in enumerate(words) if names[n] == mnemonic and (csr is None or decode(word).fields["csr"] == csr)
    )
    word = words.pop(source)
    if before is None:
        words.insert(source, NOP)
    elif symbol == "vector_save":
        words.insert(next(n for n, w in enumerate(words) if decode(w).fields.get("csr") == 0x008), word)
    else:
        words.insert(names.index(before), word)
    kernel.memory.write(start, b"".join(word.to_bytes(4, "little") for word in words))

    state = replace(random_state(rng, 32), vl=7, vtype=0, vstart=3, vcsr=6)
    set_hw_state(hart, state)
    kernel.call(hart, "vector_save", vcpu.guest_context.address)
    set_hw_state(hart, replace(random_state(rng, 32), vcsr=2))
    kernel.call(hart, "vector_restore", vcpu.guest_context.address)
    assert hw_state(hart) != state


# Image VS before, after, and whether registers move.
@pytest.mark.parametrize(
    ("before", "after", "moves"),
    [(VS_OFF, VS_OFF, False), (VS_INITIAL, VS_CLEAN, True), (VS_CLEAN, VS_CLEAN, True), (VS_DIRTY, VS_CLEAN, True)],
)
@BOTH
def test_vs_at_load(version: KernelVersion, before: int, after: int, moves: bool) -> None:
    log = Log()
    kernel = booted(version, observer=log)
    hart, vcpu = kernel.harts[0], make_vcpu(kernel, "scalar")
    vcpu.guest_context.set_vs(hart, before)
    log.events.clear()
    vcpu_load(vcpu, hart)
    assert vcpu.guest_context.vs == after
    assert log.count("vle8.v", "guest_vector_restore") == 4 * moves
    assert log.count("vse8.v", "host_vector_save") == 4
    assert log.count("vse8.v", "guest_vector_save") == 0


@pytest.mark.parametrize(
    ("before", "after", "saves"),
    [(VS_OFF, VS_OFF, False), (VS_INITIAL, VS_INITIAL, False), (VS_CLEAN, VS_CLEAN, False), (VS_DIRTY, VS_CLEAN, True)],
)
@BOTH
def test_vs_at_put(version: KernelVersion, before: int, after: int, saves: bool) -> None:
    log = Log()
    kernel = booted(version, observer=log)
    hart, vcpu = kernel.harts[0], make_vcpu(kernel, "scalar")
    vcpu_load(vcpu, hart)
    vcpu.guest_context.set_vs(hart, before)
    log.events.clear()
    vcpu_put(vcpu)
    assert vcpu.guest_context.vs == after
    assert log.count("vse8.v", "guest_vector_save") == 4 * saves
    assert log.count("vle8.v", "host_vector_restore") == 4


@pytest.mark.parametrize("has_v", [True, False])
@BOTH
def test_reset_sets_vs_by_isa_and_zeroes_everything(version: KernelVersion, has_v: bool) -> None:
    kernel = booted(replace(version, isa_from_address=False, prctl_gates_v=True))
    hart, vcpu = kernel.harts[0], make_vcpu(kernel, "scalar", v_allowed=has_v)
    assert vcpu.guest_context.vs == (VS_INITIAL if has_v else VS_OFF)
    set_memory_state(kernel, vcpu.guest_context.vector, random_state(random.Random(0), 32))
    datap = vcpu.guest_context.vector["datap"]
    kernel.request_reset(vcpu)
    run_to_user(vcpu, hart)
    state = memory_state(kernel, vcpu.guest_context.vector)
    assert (state.vl, state.vtype, state.vstart, state.vcsr) == (0, 0, 0, 0)
    assert vcpu.guest_context.vector["datap"] == datap
    zeroed = has_v or not version.reset_needs_v
    assert (state.vregs == bytes(1024)) is zeroed


@BOTH
def test_host_state_survives_load_and_put(version: KernelVersion) -> None:
    kernel, rng = booted(version), random.Random(3)
    hart, vcpu = kernel.harts[0], make_vcpu(kernel, "canary")
    for _ in range(10):
        state = random_state(rng, 32)
        set_hw_state(hart, state)
        run_to_user(vcpu, hart)
        assert hw_state(hart) == state


@BOTH
def test_guest_that_stays_away_from_vectors_moves_none(version: KernelVersion) -> None:
    log = Log()
    kernel = booted(version, observer=log)
    hart, vcpu = kernel.harts[0], make_vcpu(kernel, "scalar")
    assert run_rounds(vcpu, hart, 5) == [(0, n) for n in range(5)]
    assert log.count("vse8.v", "guest_vector_save") == 0
    assert log.count("vle8.v", "guest") == log.count("vse8.v", "guest") == 0


def test_config_vector_off_has_stubs() -> None:
    log = Log()
    kernel = booted(V6_5, config_vector=False, observer=log)
    hart = kernel.harts[0]
    log.events.clear()
    assert kernel.vsize == 0 and not kernel.has_vector
    vcpu = make_vcpu(kernel, "scalar")
    assert vcpu.guest_context.vs == VS_OFF
    assert run_rounds(vcpu, hart, 3) == [(0, n) for n in range(3)]
    assert run_rounds(make_vcpu(kernel, "nov"), hart, 3) == [(0, n) for n in range(3)]
    functions = {what for _, stack in log.mnemonics() for what in stack}
    assert not any("vector" in what for what in functions)
    kernel.vcpu_destroy(vcpu)


# S4


def test_s4_host_without_v() -> None:
    log = Log()
    kernel = booted(V6_5, has_v=False, observer=log)
    hart = kernel.harts[0]
    assert run_rounds(make_vcpu(kernel, "scalar"), hart, 3) == [(0, n) for n in range(3)]
    assert log.vector_insns() == 0
    assert run_rounds(make_vcpu(kernel, "nov"), hart, 3) == [(0, n) for n in range(3)]

    kernel = booted(V12, has_v=False)
    with pytest.raises(KernelOops, match=r"vector_save took a trap: cause 2"):
        vcpu_load(make_vcpu(kernel, "scalar"), kernel.harts[0])
    cured = booted(replace(V12, host_save_checks_v=True, isa_from_address=False), has_v=False)
    vcpu_load(make_vcpu(cured, "scalar"), cured.harts[0])


# S2, S3


@pytest.mark.parametrize(("ram_base", "has_v"), [(0x8020_0000, True), (0x8040_0000, False), (0x8060_0000, True)])
def test_s2_address_decides_in_v12_only(ram_base: int, has_v: bool) -> None:
    for version, expected in ((V12, has_v), (V6_5, True)):
        kernel = booted(version, ram_base=ram_base)
        vcpu = make_vcpu(kernel, "canary")
        assert (vcpu.guest_context.vs == VS_INITIAL) is expected
        if expected:
            assert run_rounds(vcpu, kernel.harts[0], 2) == [(0, 0), (0, 1)]


def test_s3_reading_without_v_follows_stale_stack() -> None:
    kernel = booted(V12, ram_base=0x8040_0000)
    vcpu = make_vcpu(kernel, "scalar")
    with pytest.raises(KernelOops, match="0xaaaaaaaaaaaaaaaa"):
        vec.get_reg_vector(vcpu, 0, 8)
    kernel.stale_stack_word = vcpu.host_context.vector["datap"]
    kernel.write(kernel.harts[0], kernel.stale_stack_word, b"secret!!")
    assert vec.get_reg_vector(vcpu, 0, 8) == b"secret!!"
    kernel.stale_stack_word = 0
    with pytest.raises(KvmError) as refused:
        vec.get_reg_vector(vcpu, 0, 8)
    assert refused.value.errno == errno.EINVAL

    kernel = booted(V6_5)
    vcpu = make_vcpu(kernel, "scalar", v_allowed=False)
    with pytest.raises(KvmError) as refused:
        vec.get_reg_vector(vcpu, 0, 8)
    assert refused.value.errno == errno.EINVAL


# S9, S12, S22, S24


def test_s9_stale_heap_shows_when_v_is_enabled_late() -> None:
    for version, content in ((V6_5, b"\xaa" * 32), (replace(V6_5, reset_needs_v=False), bytes(32))):
        kernel = booted(version)
        vcpu = make_vcpu(kernel, "scalar", v_allowed=False)
        kernel.set_reg(vcpu, isa_ext_id(version, "v"), 1)
        assert kernel.get_reg(vcpu, vector_reg_id(version, kernel.layout, 0, 32)) == content


def test_s12_disabling_v_leaves_the_unit_open() -> None:
    kernel = booted(V6_5)
    hart, vcpu = kernel.harts[0], make_vcpu(kernel, "nov")
    set_hw_state(hart, replace(random_state(random.Random(1), 32), vl=32, vtype=0))
    host = hw_state(hart)
    kernel.set_reg(vcpu, isa_ext_id(V6_5, "v"), 0)
    assert vcpu.guest_context.vs == VS_INITIAL
    assert run_to_user(vcpu, hart).args[0] == 1  # vsetvli did not trap
    assert hw_state(hart) == host
    assert vcpu.guest_context.vs == VS_CLEAN  # S24: dirty, dropped, and called clean

    denied = make_vcpu(kernel, "nov", v_allowed=False)
    assert run_to_user(denied, hart).args[0] == 0


def test_s12_enabling_v_late_leaves_it_closed() -> None:
    kernel = booted(V6_5)
    vcpu = make_vcpu(kernel, "canary", v_allowed=False)
    kernel.set_reg(vcpu, isa_ext_id(V6_5, "v"), 1)
    exit_ = run_to_user(vcpu, kernel.harts[0])
    assert (exit_.reason, exit_.args[0]) == (ExitReason.REPORT, 0x102)  # illegal instruction in the guest


def test_s22_prctl() -> None:
    for version, allowed in ((V12, True), (V6_5, False)):
        kernel = booted(version)
        vcpu = make_vcpu(kernel, "scalar", v_allowed=False)
        assert kernel.get_reg(vcpu, isa_ext_id(version, "v"))[0] == allowed
        kernel.prctl_v_allowed = False
        if allowed:
            kernel.set_reg(vcpu, isa_ext_id(version, "v"), 1)
        else:
            with pytest.raises(KvmError):
                kernel.set_reg(vcpu, isa_ext_id(version, "v"), 1)


# S7


@BOTH
def test_s7_put_and_hgatp(version: KernelVersion) -> None:
    kernel = booted(version)
    hart, vcpu = kernel.harts[0], make_vcpu(kernel, "scalar")
    run_to_user(vcpu, hart)
    writes = [(w.hart, w.where, w.value) for w in kernel.hgatp_writes]
    expected = [(0, "vcpu_load", vcpu.vm.hgatp)]
    if version is V12:
        expected.append((0, "vcpu_put", 0))
    assert writes == expected
    assert hart.csr[0x680] == (0 if version is V12 else vcpu.vm.hgatp)
