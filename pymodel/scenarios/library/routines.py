# SPDX-License-Identifier: Apache-2.0
"""Group B: the save and restore routines, run alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from random import Random

from vctx.pymodel.isa import Csr, Hart, UnexpectedTrap, decode, disassemble
from vctx.pymodel.isa.encoding import Kind
from vctx.pymodel.kvm.kernel import Kernel
from vctx.pymodel.kvm.layout import VS_CLEAN, VS_DIRTY, VS_INITIAL, VS_OFF
from vctx.pymodel.programs import Image, load
from vctx.pymodel.scenarios.context import VectorContext
from vctx.pymodel.scenarios.lab import VLEN, Group, Lab
from vctx.pymodel.scenarios.library.vector_unit import E8M8, VILL, VS_NAMES, get_vs, pattern, set_vs

GROUP = Group("B", "save and restore routines")


def legal_vtypes(vlen: int) -> Iterator[tuple[int, int]]:
    """Yield every legal vtype without vta and vma, with its VLMAX (D-2)."""
    for sew in range(4):
        for lmul in (-3, -2, -1, 0, 1, 2, 3):
            if sew - lmul <= 3 or lmul >= 0:
                vlmax = vlen >> sew + 3 << lmul if lmul >= 0 else vlen >> sew + 3 - lmul
                yield sew << 3 | lmul & 7, vlmax


def states(vsize: int, vlen: int, random: Random) -> Iterator[tuple[str, VectorContext]]:
    """Yield named vector states that hardware can hold."""
    yield "vill", VectorContext(random.randbytes(vsize), 0, 0, VILL, 5)
    yield "vill, vstart 9", VectorContext(random.randbytes(vsize), 9, 0, VILL, 0)
    yield "vl 0", VectorContext(random.randbytes(vsize), 0, 0, 0x51, 2)
    yield "vl trimmed to an odd number", VectorContext(random.randbytes(vsize), 0, 13, E8M8, 1)
    yield "vstart in the middle", VectorContext(random.randbytes(vsize), 11, 29, 0x03, 7)
    for vtype, vlmax in legal_vtypes(vlen):
        policy = random.randrange(4) << 6
        content = VectorContext(
            random.randbytes(vsize),
            random.randrange(vlmax),
            random.randrange(vlmax + 1),
            vtype | policy,
            random.randrange(8),
        )
        yield f"vtype {vtype | policy:#x}", content


@GROUP.scenario(9, 10, checks=["save-restore-identity"])
def round_trip_of_any_state(lab: Lab) -> None:
    """Restore, look, save, look: for vill, vl 0, odd vl, nonzero vstart, and every vsew and vlmul."""
    kernel = lab.kernel()
    hart = kernel.harts[0]
    source, target = lab.context(kernel, "source"), lab.context(kernel, "target")
    for name, content in states(kernel.vsize, VLEN, Random(9)):
        lab.set_image(kernel, source, content)
        kernel.call(hart, "vector_restore", source.context)
        lab.same("save-restore-identity", f"vector_restore, {name}", content, VectorContext.of_hart(hart))
        kernel.call(hart, "vector_save", target.context)
        found = VectorContext.of_image(target, kernel.vsize)
        lab.same("save-restore-identity", f"vector_save, {name}", content, found)


@GROUP.scenario(11, 13, checks=["moves-are-whole"])
def moves_begin_at_element_0(lab: Lab) -> None:
    """Save and restore under vstart 5: each load and store begins at element 0, or elements stay behind."""
    kernel = lab.kernel()
    hart = kernel.harts[0]
    state = lab.context(kernel)
    content = VectorContext(pattern(kernel.vsize), 5, 7, 0x03, 0)
    for routine in ("vector_restore", "vector_save"):
        lab.set_image(kernel, state, content)
        lab.put_on_hart(kernel, hart, content)
        moves: list[tuple[str, int]] = []

        def look(index: int, routine: str = routine, moves: list[tuple[str, int]] = moves) -> None:
            word = kernel.memory.load(hart.pc, 4)
            if decode(word).kind is Kind.VMEM:
                at = hart.pc - kernel.program.symbols[routine]
                moves.append((f"{routine}+{at:#x}: {disassemble(word)}", VectorContext.of_hart(hart).vstart))

        kernel.call_stepwise(hart, routine, state.context, look)
        for move, vstart in moves:
            lab.check("moves-are-whole", vstart == 0, move, "vstart 0", f"vstart {vstart}")


# Item and mistake, and the routine of sw/kvm/mistakes.S that makes it.
MISTAKES = {
    "10: restore writes vstart before vsetvl": "restore_vstart_before_vsetvl",
    "11: save reads vstart after vsetvli": "save_reads_vstart_late",
    "11: save reads vtype after vsetvli": "save_reads_vtype_late",
    "12: restore forgets vcsr": "restore_forgets_vcsr",
    "12: save forgets vcsr": "save_forgets_vcsr",
    "13: restore writes vstart before vle8": "restore_vstart_before_loads",
    "13: restore sets vl before vle8": "restore_vl_before_loads",
    "14: save keeps the guest's vl": "save_keeps_vl",
}


def _mistakes(kernel: Kernel, hart: Hart) -> Image:
    """Load the wrong routines into memory of their own."""
    image = load("mistakes" + "-vlenb" * kernel.version.vlenb_in_state)
    image = image.relocated(kernel.alloc.kzalloc(hart, image.end - image.base, image.name))
    for address, data in image.segments:
        kernel.write(hart, address, data)
    return image


@GROUP.scenario(10, 11, 12, 13, checks=["mutation-caught"])
def wrong_routines_are_caught(lab: Lab) -> None:
    """Eight plausible mistakes in the routines: the identity of the round trip must notice each."""
    for name, symbol in MISTAKES.items():
        kernel = lab.kernel(monitored=False, own_routines=True)
        hart = kernel.harts[0]
        content = VectorContext(pattern(kernel.vsize), 3, 7, 0x02, 6)
        source, target = lab.context(kernel, "source"), lab.context(kernel, "target")
        lab.set_image(kernel, source, content)
        wrong = _mistakes(kernel, hart).symbols[symbol]
        found = None
        with suppress(UnexpectedTrap):  # a trap is as good a sign
            if symbol.startswith("restore"):
                hart.call(wrong, source.context)
                found = VectorContext.of_hart(hart)
            else:
                kernel.call(hart, "vector_restore", source.context)
                hart.call(wrong, target.context)
                found = VectorContext.of_image(target, kernel.vsize)
        lab.check("mutation-caught", found != content, name, "another state than the right one", "the right one")


@GROUP.scenario(14, 15, 16, checks=["save-is-whole", "save-leaves"])
def a_save_is_whole_and_gentle(lab: Lab) -> None:
    """Whatever vl is, all bytes are written, none beside them, and the registers and vcsr stay."""
    kernel = lab.kernel()
    hart = kernel.harts[0]
    for vl in (0, 1, VLEN // 2):
        content = VectorContext(pattern(kernel.vsize, vl + 1), 0, vl, 0x03, 3)
        state = lab.context(kernel)
        lab.put_on_hart(kernel, hart, content)
        inverse = bytes(byte ^ 0xFF for byte in content.vregs)
        kernel.write(hart, state["datap"], inverse)
        kernel.call(hart, "vector_save", state.context)
        image = kernel.memory.read(state["datap"], kernel.vsize)
        lab.equal("save-is-whole", f"vector_save with vl {vl}", content.vregs, image)
        found = VectorContext.of_hart(hart)
        due = VectorContext(content.vregs, 0, VLEN, E8M8, content.vcsr)
        if lab.version.routines:  # which may move with another vtype, or with none
            due = due._replace(vstart=found.vstart, vl=found.vl, vtype=found.vtype)
        lab.same("save-leaves", f"registers after vector_save with vl {vl}", due, found)
    with lab.survives("guards-intact", "red zones after three saves"):
        kernel.alloc.check_guards()


@GROUP.scenario(17, 72, checks=["vs-preserved", "unit-left-off"])
def live_vs_is_preserved(lab: Lab) -> None:
    """sstatus.VS after save and restore is what it was before, also when a section of vector code surrounds them."""
    kernel = lab.kernel()
    hart = kernel.harts[0]
    state = lab.context(kernel)
    for routine in ("vector_save", "vector_restore"):
        for before in (VS_OFF, VS_INITIAL, VS_CLEAN, VS_DIRTY):
            set_vs(kernel, hart, Csr.SSTATUS, before)
            kernel.call(hart, routine, state.context)
            after = get_vs(kernel, hart, Csr.SSTATUS)
            # On is enough: the routine used the unit, so Dirty is right for whoever had it on.
            call = f"{routine} with sstatus.VS {VS_NAMES[before]}"
            if before == VS_OFF:  # to leave it on is another mistake than to leave it off
                lab.equal("unit-left-off", call, VS_NAMES[before], VS_NAMES[after])
            else:
                lab.check("vs-preserved", after != VS_OFF, call, "still on", VS_NAMES[after], ["S14"])
    set_vs(kernel, hart, Csr.SSTATUS, VS_OFF)


def _uses_everything(lab: Lab, kernel: Kernel, hart: Hart) -> None:
    """Load, put, reset, get and set on a host without V."""
    vcpu = lab.vcpu(kernel, "scalar")
    lab.rounds(vcpu, hart, 2)
    kernel.request_reset(vcpu)
    lab.rounds(vcpu, hart, 1)
    lab.outcome(kernel.get_reg, vcpu, lab.csr_id("vl"))
    lab.outcome(kernel.set_reg, vcpu, lab.csr_id("vl"), 0)
    kernel.vcpu_destroy(vcpu)


@GROUP.scenario(18, 64, checks=["no-oops", "no-vector-access"])
def host_without_v(lab: Lab) -> None:
    """A kernel with vector support on harts without V: load, put, reset and one-reg execute no vector instruction."""
    kernel = lab.kernel(has_v=False)
    hart = kernel.harts[0]
    before = lab.tap.vector
    with lab.survives("no-oops", "KVM_RUN, reset and one-reg on a host without V", "S4"):
        _uses_everything(lab, kernel, hart)
    lab.equal("no-vector-access", "vector instructions on a host without V", 0, lab.tap.vector - before, ["S4"])


@GROUP.scenario(18, 64, checks=["no-oops", "no-vector-access"])
def kernel_without_vector_support(lab: Lab) -> None:
    """CONFIG_RISCV_ISA_V=n on harts with V: the same, and VS stays Off."""
    kernel = lab.kernel(config_vector=False)
    hart = kernel.harts[0]
    before = lab.tap.vector
    with lab.survives("no-oops", "KVM_RUN, reset and one-reg without CONFIG_RISCV_ISA_V"):
        _uses_everything(lab, kernel, hart)
    lab.equal("no-vector-access", "vector instructions of the kernel", 0, lab.tap.vector - before)
