# SPDX-License-Identifier: Apache-2.0
"""The latitude table: complete, the same for model, RTL, masks and documentation, and never without effect."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import asdict, fields, replace
from pathlib import Path

import pytest
from mutants import Mutant

from vctx.pymodel.isa import Csr, Latitude
from vctx.pymodel.isa.latitude import POINTS, markdown, rtl_name
from vctx.pymodel.places import RTL
from vctx.pymodel.scenarios.directed import SWEEPS
from vctx.pymodel.scenarios.directed.stimulus import (
    A0,
    CLEAN,
    HOLE,
    INITIAL,
    OFF,
    RAM_BASE,
    RD,
    VILL,
    VS_SHIFT,
    Stimulus,
    vtype,
)
from vctx.pymodel.trace import TraceReader, TraceWriter
from vctx.tb.jobs.sweep import golden_opinion, record, records_of, rtl_opinion
from vctx.tb.spike.judge import judge
from vctx.tb.spike.masks import MASKS

ROOT = Path(__file__).resolve().parents[2]
VLEN = 128
DEFAULT = Latitude()
SETTINGS = [field.name for field in fields(Latitude)]
IN_RTL = [p.setting for p in POINTS if p.setting and p.rtl == rtl_name(p.setting)]
E8 = vtype(8)


def _dirty(s: Stimulus) -> None:
    """What becomes Dirty without need: it reads registers, or has nothing to do; the rest writes."""
    s.vset(E8, 4)
    for mnemonic, operands in (
        ("vse8.v", {"vs3": 8, "rs1": A0}),
        ("vmv.x.s", {"rd": RD, "vs2": 8}),
        ("vcpop.m", {"rd": RD, "vs2": 8}),
        ("vadd.vi", {"vd": 8, "vs2": 8, "imm": 1}),
        ("vle8.v", {"vd": 8, "rs1": A0}),
    ):
        s.status(CLEAN, CLEAN)
        s.mode = "VS"
        s.do(mnemonic, a0=RAM_BASE, **operands)
        s.mode = "M"
    s.vset(E8, 0)
    s.status(CLEAN)
    s.do("vle8.v", vd=8, rs1=A0, a0=RAM_BASE)
    s.do("vadd.vi", vd=8, vs2=8, imm=1)
    s.csrw(Csr.VSTART, 1)
    s.status(CLEAN)
    s.do("vse8.v", vs3=8, rs1=A0, a0=RAM_BASE)  # moves vstart


def _vs(s: Stimulus) -> None:
    s.csrw(Csr.MSTATUS, INITIAL << VS_SHIFT)
    s.csrw(Csr.VSSTATUS, CLEAN << VS_SHIFT)
    s.do("csrrs", rd=RD, csr=Csr.VSSTATUS, rs1=0)
    s.csrw(Csr.VSSTATUS, OFF)
    s.mode = "VS"
    s.do("csrrs", rd=RD, csr=Csr.SSTATUS, rs1=A0, a0=CLEAN << VS_SHIFT)
    s.do("csrrc", rd=RD, csr=Csr.SSTATUS, rs1=0, a0=CLEAN << VS_SHIFT)
    s.do("csrrs", rd=RD, csr=Csr.SSTATUS, rs1=0)
    s.do("csrrs", rd=RD, csr=Csr.MSTATUS, rs1=0)  # illegal
    s.mode = "M"


def _avl(s: Stimulus) -> None:
    for avl in (15, 16, 17, 31, 32, 33):
        s.do("vsetvli", rd=RD, rs1=A0, vtypei=E8, a0=avl)
    s.do("vsetivli", rd=RD, uimm=21, vtypei=E8)


def _ratio(s: Stimulus) -> None:
    for old, vl, new in ((E8, 2, vtype(8, "m2")), (vtype(8, "m8"), 100, E8), (E8, 5, vtype(16, "m2"))):
        s.vset(old, vl)
        s.do("vsetvli", rd=0, rs1=0, vtypei=new)


def _from_vill(s: Stimulus) -> None:
    s.vset(VILL)
    s.do("vsetvli", rd=0, rs1=0, vtypei=E8)


def _wide_sew(s: Stimulus) -> None:
    """All instructions but the last two meet or ask for SEW > LMUL*ELEN with VLMAX >= 1; e64,mf8 has none."""
    wide = vtype(64, "mf2")
    s.vset(wide, 1)
    s.do("vadd.vi", vd=1, vs2=2, imm=3)
    s.do("vle32.v", vd=3, rs1=A0, a0=RAM_BASE)
    s.do("vle8.v", vd=3, rs1=A0, a0=RAM_BASE)  # EMUL = 1/16
    s.do("csrrs", rd=RD, csr=Csr.VTYPE, rs1=0)
    s.do("vsetvli", rd=0, rs1=0, vtypei=vtype(8, "mf8"))  # another ratio: vill, L-4
    s.do("vsetvli", rd=RD, rs1=0, vtypei=vtype(32, "mf4"))
    s.do("vsetvli", rd=0, rs1=0, vtypei=vtype(32, "m1"))  # the same: vl = 1 stays
    s.vset(vtype(64, "mf8"), 1)
    s.vset(E8, 3)


def _vstart(s: Stimulus) -> None:
    s.vset(E8, 7)
    for mnemonic, operands in (
        ("vadd.vi", {"vd": 1, "vs2": 2, "imm": 3}),
        ("vmv1r.v", {"vd": 4, "vs2": 5}),
        ("vmv.s.x", {"vd": 6, "rs1": A0}),
        ("vle8.v", {"vd": 7, "rs1": A0}),
    ):
        s.csrw(Csr.VSTART, 3)
        s.do(mnemonic, a0=RAM_BASE, **operands)
    s.csrw(Csr.VSTART, 0)


def _vlmax(s: Stimulus) -> None:
    s.vset(E8)
    for vstart, mnemonic in ((15, "vle8.v"), (16, "vle8.v"), (1, "vlm.v"), (2, "vlm.v"), (16, "vl1re8.v")):
        s.csrw(Csr.VSTART, vstart)
        s.do(mnemonic, vd=8, rs1=A0, a0=RAM_BASE)
    s.csrw(Csr.VSTART, 0)


def _registers(s: Stimulus) -> None:
    s.vset(E8)
    for vstart, mnemonic in ((15, "vl1re8.v"), (16, "vl1re8.v"), (16, "vl1re16.v"), (16, "vl2re8.v"), (16, "vle8.v")):
        s.csrw(Csr.VSTART, vstart)
        s.do(mnemonic, vd=8, rs1=A0, a0=RAM_BASE)
    s.csrw(Csr.VSTART, 0)


def _mask_source(s: Stimulus) -> None:
    s.vset(E8)
    s.do("vadd.vv", vd=1, vs2=0, vs1=2, vm=0)
    s.do("vadd.vv", vd=1, vs2=0, vs1=2, vm=1)
    s.do("vmseq.vv", vd=1, vs2=3, vs1=0, vm=0)
    s.do("vmerge.vvm", vd=1, vs2=0, vs1=2)
    s.do("vmand.mm", vd=1, vs2=0, vs1=0)


def _mask_store(s: Stimulus) -> None:
    s.vset(E8)
    s.do("vse8.v", vs3=0, rs1=A0, vm=0, a0=RAM_BASE)
    s.do("vse8.v", vs3=0, rs1=A0, vm=1, a0=RAM_BASE)


def _overlap(s: Stimulus) -> None:
    s.vset(vtype(8, "m2"))
    for vd in (4, 5, 8, 9, 10):
        s.do("vmseq.vv", vd=vd, vs2=4, vs1=8)


def _unsupported(s: Stimulus) -> None:
    s.vset(E8, 3)
    s.vset(vtype(64, "mf2"))
    s.do("vsetvli", rd=0, rs1=0, vtypei=4)
    s.vset(E8, 3)


def _tval(s: Stimulus) -> None:
    s.vset(VILL)
    s.do("vadd.vi", vd=1, vs2=1, imm=1)
    s.mode = "VS"
    s.do("csrrs", rd=RD, csr=Csr.VSSTATUS, rs1=0)
    s.mode = "M"
    s.vset(E8, 1)
    s.do("vle8.v", vd=1, rs1=A0, a0=HOLE)


# A sequence in which the setting matters, and how many of its instructions depend on it when it has the other value.
CASES: dict[str, tuple[Callable[[Stimulus], None], int]] = {
    "precise_dirty": (_dirty, 5),
    "vs_two_state": (_vs, 3),
    "vl_ceil_half": (_avl, 3),
    "ratio_change_vill": (_ratio, 2),
    "keep_vl_from_vill_vill": (_from_vill, 1),
    "wide_sew_vill": (_wide_sew, 8),
    "vstart_alu_trap": (_vstart, 3),
    "vstart_vlmax_trap": (_vlmax, 2),
    "vstart_wholereg_trap": (_registers, 2),
    "masked_v0_source_trap": (_mask_source, 3),
    "masked_v0_store_trap": (_mask_store, 1),
    "compare_overlap_trap": (_overlap, 2),
    "illegal_vtype_trap": (_unsupported, 2),
    "tval_insn": (_tval, 2),
}


def other(setting: str) -> Latitude:
    return replace(DEFAULT, **{setting: not getattr(DEFAULT, setting)})


def recorded(setting: str, latitude: Latitude, folder: Path) -> Path:
    def sequence(s: Stimulus) -> None:
        CASES[setting][0](s)
        s.finish()

    trace = folder / f"{setting}-{getattr(latitude, setting)}.vctx"
    record(sequence, trace, name=setting, vlen=VLEN, latitude=latitude)
    return trace


def test_the_table_is_complete() -> None:
    numbers = [point.number for point in POINTS]
    assert numbers[:24] == [f"L-{n}" for n in range(1, 25)]
    assert numbers[24:] == [f"P-{n}" for n in range(1, len(numbers) - 23)]
    assert [point.setting for point in POINTS if point.setting] == SETTINGS
    for point in POINTS:
        assert point.subject and point.allowed and point.choice and point.rtl
        assert bool(point.setting) == bool(point.alternative)
    assert MASKS.keys() == CASES.keys() == set(SETTINGS)


def test_the_documentation_shows_the_table() -> None:
    text = (ROOT / "docs" / "verification.md").read_text()
    assert markdown() in text, f"docs/verification.md must contain:\n{markdown()}"


def test_the_rtl_has_the_defaults_of_the_model() -> None:
    package = (RTL / "vctx_pkg.sv").read_text()
    found = dict(re.findall(r"localparam bit (\w+) *= 1'b([01]);", package))
    assert found == {rtl_name(name): str(int(getattr(DEFAULT, name))) for name in IN_RTL}
    numbers = {rtl_name(p.setting): p.number for p in POINTS if p.setting in IN_RTL}
    assert dict(re.findall(r"localparam bit (\w+).*// (L-\d+):", package)) == numbers


def test_every_other_point_names_a_module_of_the_rtl() -> None:
    for point in POINTS:
        if point.setting not in IN_RTL:
            modules = re.findall(r"\bvctx\w*", point.rtl)
            assert all((RTL / f"{name}.sv").exists() for name in modules)
            assert modules or point.unjudged


@pytest.mark.parametrize("setting", SETTINGS)
def test_each_value_has_an_effect_and_spike_does_not_judge_the_other(setting: str, tmp_path: Path) -> None:
    default, changed = (recorded(setting, latitude, tmp_path) for latitude in (DEFAULT, other(setting)))
    assert records_of(default) != records_of(changed)
    found = judge(default)
    assert found.ok and not found.unjudged
    found = judge(changed)
    assert found.mismatch is None, found.mismatch.text()
    assert found.unjudged == {setting: CASES[setting][1]}


@pytest.mark.parametrize("setting", SETTINGS)
def test_without_its_mask_spike_disagrees(setting: str, tmp_path: Path) -> None:
    """The same trace, with a header that claims Spike's choice."""
    reader = TraceReader(recorded(setting, other(setting), tmp_path))
    with TraceWriter(tmp_path / "claims", reader.header | {"latitude": asdict(DEFAULT)}) as writer:
        for event in reader:
            writer.event(event)
    assert not judge(tmp_path / "claims").ok


@pytest.mark.parametrize("setting", IN_RTL)
def test_the_rtl_takes_the_other_choice(setting: str, tmp_path: Path) -> None:
    value = int(getattr(DEFAULT, setting))
    package = (RTL / "vctx_pkg.sv").read_text()
    line = next(line for line in package.splitlines() if re.search(rf"localparam bit {rtl_name(setting)}\b", line))
    edit = (line, line.replace(f"1'b{value}", f"1'b{1 - value}"))
    rtl = Mutant(setting, "other", "vctx_pkg.sv", (edit,)).build(tmp_path / "rtl")
    trace = recorded(setting, other(setting), tmp_path)
    opinion = rtl_opinion(trace, [], sim="icarus", out_dir=tmp_path / "run", rtl=rtl, build_root=tmp_path)
    assert opinion.mismatch is None, opinion.mismatch.text()


@pytest.mark.parametrize("name", ["states", "faults", "irq", "bugs"])
def test_a_precise_design_passes(name: str, tmp_path: Path) -> None:
    """No sweep requires Dirty of what changes nothing (L-1), and each tells the two kinds of design apart."""
    latitude = other("precise_dirty")
    probes = record(SWEEPS[name], tmp_path / "precise", name=name, vlen=VLEN, latitude=latitude)
    assert golden_opinion(tmp_path / "precise", probes).failures == []
    edit = ("PreciseDirty       = 1'b0", "PreciseDirty       = 1'b1")
    rtl = Mutant("L-1", name, "vctx_pkg.sv", (edit,)).build(tmp_path / "rtl")
    sim = {"sim": "icarus", "out_dir": tmp_path / "run", "build_root": tmp_path}
    opinion = rtl_opinion(tmp_path / "precise", probes, rtl=rtl, **sim)
    assert opinion.ok, opinion.mismatch and opinion.mismatch.text()
    opinion = rtl_opinion(tmp_path / "precise", probes, **sim)
    assert opinion.mismatch is not None
    assert {d.field for d in opinion.mismatch.differences} <= {"mstatus_vs", "vsstatus_vs"}


def test_a_sweep_without_latitude_in_its_header_is_spikes(tmp_path: Path) -> None:
    record(SWEEPS["bugs"], tmp_path / "bugs", name="bugs", vlen=VLEN)
    reader = TraceReader(tmp_path / "bugs")
    header = {key: value for key, value in reader.header.items() if key != "latitude"}
    with TraceWriter(tmp_path / "old", header) as writer:
        for event in reader:
            writer.event(event)
    found = judge(tmp_path / "old")
    assert found.ok and not found.unjudged
