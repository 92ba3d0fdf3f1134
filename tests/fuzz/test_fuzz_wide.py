# SPDX-License-Identifier: Apache-2.0
"""Every integer vector instruction against Spike: programs agree, what they reach, and broken rules are found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from vctx.pymodel.errors import UsageError
from vctx.pymodel.fuzz.generator import generate, seed_of
from vctx.pymodel.fuzz.program import Program, read_assembly
from vctx.pymodel.isa import vector_wide, vmem_wide
from vctx.pymodel.isa.encoding import ABSENT, Kind, decode, decode_with
from vctx.pymodel.trace import Issue, Retire
from vctx.tb.jobs.fuzz import FuzzConfig
from vctx.tb.jobs.lockstep import Divergence, Lockstep

_KINDS = frozenset({Kind.VOP, Kind.VMEM})


def _differing(vlen: int, count: int, observer: Callable[[Issue, Retire], None] | None = None) -> Divergence | None:
    with Lockstep(vlen, observer, wide=True) as both:
        for number in range(count):
            found = both.run(generate(seed_of(2, vlen, number), vlen, wide=True))
            if found is not None:
                return found
    return None


@pytest.mark.parametrize("vlen", [128, 1024])
def test_the_hart_agrees_with_spike(vlen: int) -> None:
    retired: Counter[str] = Counter()

    def see(issue: Issue, retire: Retire) -> None:
        if retire.trap is None and decode(issue.insn).kind is Kind.UNKNOWN:
            retired[decode_with(issue.insn, _KINDS).mnemonic] += 1

    assert _differing(vlen, 150, see) is None
    families = {name.partition(".")[0] for name in retired}
    assert retired.total() > 400 and len(retired) > 100
    assert {"vdivu", "vrem", "vsadd", "vaadd", "vsmul", "vnclip", "vadc", "vmsbf", "vrgather", "vcompress"} <= families


def _broken_rounding(value: int, shift: int, vxrm: int) -> int:
    return value >> shift


MUTANTS: dict[str, tuple[object, str, object]] = {
    "rounding": (vector_wide, "rounded", _broken_rounding),
    "saturation": (vector_wide._Saturation, "__call__", lambda self, value: value),
    "division by zero": (
        vector_wide,
        "_RULES",
        vector_wide._RULES | {"vdivu": (False, lambda a, b, *_: a // (b or 1))},
    ),
    "overlap of indexes": (vmem_wide._SegmentAccess, "_apart", lambda self, vtype, eighths: True),
    "legality of gathers": (vector_wide._Gather, "legal", lambda self, vtype: True),
    "carry": (vector_wide._Carry, "legal", lambda self, vtype: False),
    "legality of compress": (vector_wide._Compress, "legal", lambda self, vtype: True),
    "set before first": (vector_wide._SetMask, "legal", lambda self, vtype: True),
}


@pytest.mark.parametrize("rule", MUTANTS)
def test_a_broken_rule_is_found(rule: str, monkeypatch: pytest.MonkeyPatch) -> None:
    where, name, broken = MUTANTS[rule]
    monkeypatch.setattr(where, name, broken)
    assert _differing(128, 400) is not None


def test_a_wide_program_survives_its_file(tmp_path: Path) -> None:
    program = generate("wide", 256, wide=True)
    path = tmp_path / "program.S"
    path.write_text(program.assembly("title", "command"))
    read = read_assembly(path)
    assert isinstance(read, Program) and read.wide and read.words == program.words


def test_the_rtl_is_not_asked() -> None:
    with pytest.raises(UsageError, match="the block has fewer"):
        FuzzConfig(rtl=True, wide=True)


def test_every_absent_integer_instruction_is_generated() -> None:
    wanted = {spec.mnemonic for spec in ABSENT.values() if spec.kind in _KINDS}
    seen = set()
    for number in range(900):
        for word in generate(f"all/{number}", 128, wide=True).words:
            if decode(word).kind is Kind.UNKNOWN:
                seen.add(decode_with(word, _KINDS).mnemonic)
    assert len(wanted - seen) < 8, sorted(wanted - seen)
