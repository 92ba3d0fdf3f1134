# SPDX-License-Identifier: Apache-2.0
"""Profiles: one schema, and errors that name what is near."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from vctx.pymodel.errors import UsageError
from vctx.pymodel.isa import Csr, Hart, Memory, encode
from vctx.pymodel.isa.csr_numbers import ExtraCsr
from vctx.pymodel.isa.errors import AbsentInsn
from vctx.pymodel.profiles import KNOWN, Profile, profile_of, text_of
from vctx.tb.cli import app

BASE = 0x8000_0000
ALWAYS = '"I", "M", "A", "C", "H", "S", "U", "Zicsr", "Zifencei"'


@pytest.mark.parametrize("name", KNOWN)
def test_every_known_profile_reads(name: str, tmp_path: Path) -> None:
    copy = tmp_path / "copy.toml"
    copy.write_text(text_of(name))
    assert profile_of(str(copy)) == profile_of(name)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[hart]\nvlne = 1", "'vlne' is not among the keys of \\[hart\\]; did you mean vlen"),
        ("[heart]\nvlen = 1", "'heart' is not among the sections; did you mean hart"),
        ("nmae = 'x'", "did you mean name"),
        ("[hart]\nvlen = 100", "hart.vlen = 100: must be a number from 0x80"),
        ("[hart]\nvlen = 192", "VLEN 192 is not one of"),
        ("[hart]\nelen = 32", "hart.elen = 32"),
        ("[hart]\npmp = 7", "7 PMP entries: must be one of"),
        ("[hart]\nextensions = ['V']", "always has I, M, A, C"),
        (f"[hart]\nextensions = [{ALWAYS}, 'F']", "F and D together or neither"),
        (f"[hart]\nextensions = [{ALWAYS}, 'Zfoo']", "'Zfoo' is not among the extensions"),
        ("[volatile]\ncsrs = ['mcycel']", "did you mean mcycle"),
        ("[volatile.bits]\nmstatus = ['MBF']", "did you mean MBE"),
        ("[reset.x]\na9 = 1", "'a9' is not among the integer registers"),
        ("[latitude]\nvs_two_sate = true", "did you mean vs_two_state"),
        ("[latitude]\nvs_two_state = 1", "must be true or false"),
        ("[log]\ncomplete = ['y']", "'y' is not among the things that a log has"),
        ("[hart\n", "is not TOML"),
    ],
)
def test_a_wrong_key_or_value_is_named(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "core.toml"
    path.write_text(text)
    with pytest.raises(UsageError, match=message):
        profile_of(str(path))


def test_a_name_that_is_no_core() -> None:
    with pytest.raises(UsageError, match="did you mean spike"):
        profile_of("spkie")


def test_the_command_prints_them() -> None:
    runner = CliRunner()
    assert runner.invoke(app, ["profile"]).exit_code == 0
    assert runner.invoke(app, ["profile", "cva6"]).exit_code == 0
    assert isinstance(runner.invoke(app, ["profile", "cav6"]).exception, UsageError)


def _hart(profile: Profile) -> Hart:
    hart = Hart(profile.hart, Memory([(BASE, 0x10000)], 0))
    hart.reset(BASE)
    return hart


def test_pmp_keeps_what_is_written_and_its_locks() -> None:
    hart = _hart(profile_of("generic"))
    config, address = ExtraCsr.PMPCFG0, ExtraCsr.PMPADDR0
    hart.inject(encode("csrrw", rd=0, csr=address, rs1=5), (1 << 64) - 1)
    hart.inject(encode("csrrw", rd=0, csr=config, rs1=5), 0x9F_02_1F)  # locked, reserved, open
    assert hart.csr[config] == 0x9F_00_1F and hart.csr[address] == (1 << 54) - 1
    hart.inject(encode("csrrw", rd=0, csr=config, rs1=5), 0)
    hart.inject(encode("csrrw", rd=0, csr=address + 2, rs1=5), 5)
    assert hart.csr[config] == 0x9F_00_00 and hart.csr[address + 2] == 0
    assert int(ExtraCsr.PMPCFG0) not in _hart(profile_of("spike")).csr.table


def test_floating_point_is_state() -> None:
    hart = _hart(profile_of("generic"))
    move = encode("fmv.d.x", fd=1, rs1=5)
    with pytest.raises(Exception, match="cause 2"):
        hart.inject(move, 7)
    hart.csr[Csr.MSTATUS] |= 1 << 13
    hart.inject(move, 7)
    assert hart.f[1] == 7 and hart.csr[Csr.MSTATUS] >> 13 & 3 == 3 and hart.csr[Csr.MSTATUS] >> 63
    hart.inject(encode("fmv.w.x", fd=2, rs1=5), 1 << 31)
    assert hart.f[2] == 0xFFFF_FFFF_8000_0000
    assert hart.inject(encode("fmv.x.w", rd=6, fs1=2)) == 0xFFFF_FFFF_8000_0000
    hart.inject(encode("fsgnjn.d", fd=3, fs1=1, fs2=1))
    assert hart.f[3] == 7 | 1 << 63
    with pytest.raises(AbsentInsn):
        hart.inject(encode("fadd.d", fd=1, fs1=1, fs2=1))


def test_vs_without_a_vector_unit() -> None:
    hart = _hart(profile_of("cva6"))
    hart.csr[Csr.MSTATUS] |= 3 << 9
    assert hart.csr[Csr.MSTATUS] >> 9 & 3 == 3
    for insn in (encode("vsetvli", rd=1, rs1=0, vtypei=0), encode("csrrs", rd=1, csr=Csr.VL, rs1=0)):
        with pytest.raises(Exception, match="cause 2"):
            hart.inject(insn)
