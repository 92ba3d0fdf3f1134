# SPDX-License-Identifier: Apache-2.0
"""Where Spike must not judge a trace that was recorded with other choices than its own.

Each predicate belongs to one setting of `Latitude`, and tells whether the outcome of an instruction depends on it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass

from vctx.pymodel.isa import Decoded, Latitude, decode
from vctx.pymodel.isa.csr import modify
from vctx.pymodel.isa.csr_numbers import STATUS_CSRS, Csr
from vctx.pymodel.isa.encoding import Kind
from vctx.pymodel.isa.vmem import element_form
from vctx.pymodel.isa.vtype import Vtype, decode_vtype
from vctx.pymodel.trace import Insn, Retire

_VS_SHIFT = 9
_INITIAL_OR_CLEAN = (1, 2)
_DIRTY = 3
_ILLEGAL = (2, 22)  # causes
_OF_A_MASK = ".m"  # vcpop, vfirst, viota
_NEVER_RESUMED = (".vs", _OF_A_MASK)  # which trap with any vstart but 0 (E-10)


@dataclass(frozen=True)
class Situation:
    """An instruction, and the state that it met."""

    insn: Insn
    before: Retire
    vlen: int

    @property
    def decoded(self) -> Decoded:
        """The instruction."""
        return decode(self.insn.issue.insn)

    @property
    def vtype(self) -> Vtype:
        """The vtype that it met."""
        return decode_vtype(self.before.vtype, self.vlen)

    @property
    def fields(self) -> Mapping[str, int]:
        """Its operands."""
        return self.decoded.fields

    @property
    def requested(self) -> Vtype | None:
        """The vtype that it asks for, if it is a vset*."""
        value = self.requested_value
        return None if value is None else decode_vtype(value, self.vlen)

    @property
    def requested_value(self) -> int | None:
        """The vtype that it asks for, supported or not, if it is a vset*."""
        return self.fields.get("vtypei", self.insn.issue.rs2) if self.decoded.kind is Kind.VSET else None

    @property
    def keeps_vl(self) -> bool:
        """It is a vset* with rd = rs1 = x0."""
        return self.decoded.kind is Kind.VSET and self.fields["rd"] == 0 and self.fields.get("rs1") == 0


def _stays_as_dirty_as_it_was(s: Situation) -> bool:
    """It executed, which is enough for Spike, and left VS other than Dirty."""
    retire = s.insn.retire
    if s.decoded.kind not in (Kind.VOP, Kind.VMEM) or (retire.trap and retire.trap.cause in _ILLEGAL):
        return False
    return retire.mstatus_vs != _DIRTY or (s.insn.issue.virt and retire.vsstatus_vs != _DIRTY)


def _stores_initial_or_clean(s: Situation) -> bool:
    csr, issue = s.fields.get("csr"), s.insn.issue
    if s.decoded.kind is not Kind.CSR or csr not in STATUS_CSRS or s.insn.retire.trap:
        return False
    of_guest = csr == Csr.VSSTATUS or (csr == Csr.SSTATUS and issue.virt)
    old = s.before.vsstatus_vs if of_guest else s.before.mstatus_vs
    operand = s.fields.get("uimm", issue.rs1) if s.fields.get("rs1") != 0 else 0
    return modify(s.decoded.mnemonic, old << _VS_SHIFT, operand) >> _VS_SHIFT & 3 in _INITIAL_OR_CLEAN


def _avl_in_between(s: Situation) -> bool:
    requested, avl = s.requested, s.fields.get("uimm", s.insn.issue.rs1)
    if requested is None or requested.vill or s.fields.get("rs1") == 0:
        return False
    return requested.vlmax < avl < 2 * requested.vlmax


def _changes_ratio(s: Situation) -> bool:
    requested = s.requested
    if requested is None or not s.keeps_vl or s.vtype.vill or requested.vill:
        return False
    return s.vtype.ratio != requested.ratio


def _keeps_vl_from_vill(s: Situation) -> bool:
    return s.keeps_vl and s.vtype.vill


def _wide_sew(s: Situation) -> bool:
    """SEW > LMUL*ELEN is asked for, or is there and stays: any instruction but vset* with an AVL then differs."""

    def is_wide(vtype: int | None) -> bool:
        if vtype is None:
            return False
        return decode_vtype(vtype, s.vlen).vill and not decode_vtype(vtype, s.vlen, wide_sew_vill=False).vill

    stays = s.requested is None or s.keeps_vl
    return is_wide(s.requested_value) or (stays and is_wide(s.before.vtype))


def _arithmetic_from_vstart(s: Situation) -> bool:
    must_trap = s.decoded.mnemonic.endswith(_NEVER_RESUMED)
    return s.decoded.kind is Kind.VOP and s.before.vstart != 0 and not must_trap


def _vstart_beyond_vlmax(s: Situation) -> bool:
    if s.decoded.kind is not Kind.VMEM or s.vtype.vill:
        return False
    form = element_form(s.decoded.mnemonic)
    return not form.whole and s.before.vstart >= form.count(s.vtype.vlmax, s.vlen // 8)


def _vstart_beyond_registers(s: Situation) -> bool:
    if s.decoded.kind is not Kind.VMEM:
        return False
    form = element_form(s.decoded.mnemonic)
    return bool(form.whole) and s.before.vstart >= form.count(0, s.vlen // 8)


def _mask_is_a_source(s: Situation) -> bool:
    masked = s.fields.get("vm") == 0 or s.decoded.mnemonic.startswith("vmerge")
    if s.decoded.mnemonic.endswith(_OF_A_MASK):  # where v0 is a mask as a source, too
        return False
    return s.decoded.kind is Kind.VOP and masked and 0 in (s.fields.get("vs1"), s.fields.get("vs2"))


def _mask_is_stored(s: Situation) -> bool:
    return s.decoded.kind is Kind.VMEM and s.fields.get("vm") == 0 and s.fields.get("vs3") == 0


def _result_inside_a_source(s: Situation) -> bool:
    if s.decoded.kind is not Kind.VOP or not s.decoded.mnemonic.startswith("vms"):
        return False
    sources = [s.fields[name] for name in ("vs1", "vs2") if name in s.fields]
    return any(source < s.fields["vd"] < source + s.vtype.group for source in sources)


def _unsupported_vtype(s: Situation) -> bool:
    return s.requested is not None and s.requested.vill


def _reports_the_instruction(s: Situation) -> bool:
    trap = s.insn.retire.trap
    return trap is not None and trap.cause in _ILLEGAL


MASKS: Mapping[str, Callable[[Situation], bool]] = {
    "precise_dirty": _stays_as_dirty_as_it_was,
    "vs_two_state": _stores_initial_or_clean,
    "vl_ceil_half": _avl_in_between,
    "ratio_change_vill": _changes_ratio,
    "keep_vl_from_vill_vill": _keeps_vl_from_vill,
    "wide_sew_vill": _wide_sew,
    "vstart_alu_trap": _arithmetic_from_vstart,
    "vstart_vlmax_trap": _vstart_beyond_vlmax,
    "vstart_wholereg_trap": _vstart_beyond_registers,
    "masked_v0_source_trap": _mask_is_a_source,
    "masked_v0_store_trap": _mask_is_stored,
    "compare_overlap_trap": _result_inside_a_source,
    "illegal_vtype_trap": _unsupported_vtype,
    "tval_insn": _reports_the_instruction,
}


def masked_settings(recorded: Mapping[str, bool]) -> list[str]:
    """Return the settings of a recording (what a trace's header says) that are not Spike's, the defaults."""
    default = asdict(Latitude())
    return [name for name, value in (default | dict(recorded)).items() if value != default[name]]


def mask_of(situation: Situation, settings: Iterable[str]) -> str | None:
    """Return the setting on which the outcome depends, or None when Spike may judge."""
    return next((name for name in settings if MASKS[name](situation)), None)
