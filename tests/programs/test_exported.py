# SPDX-License-Identifier: Apache-2.0
"""Exported programs: Spike logs them as expected, and they find by themselves what is wrong."""

from __future__ import annotations

import json
import re
import struct
from dataclasses import replace
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile
from export_rig import exported, spike_differences
from typer.testing import CliRunner

from vctx.pymodel.errors import UsageError
from vctx.pymodel.exported import image
from vctx.pymodel.exported.expected import run
from vctx.pymodel.exported.machine import Machine
from vctx.pymodel.exported.program import IRQ, NO_TABLES, translate
from vctx.pymodel.exported.runner import STEP_BYTES
from vctx.pymodel.exported.tables import Answer, NoTablesError, Sets
from vctx.pymodel.fuzz.program import world
from vctx.pymodel.isa import encode
from vctx.pymodel.places import DOCS
from vctx.pymodel.scenarios.directed import RULES, SWEEPS
from vctx.pymodel.trace import Insn, TraceError, TraceReader, Xlat
from vctx.pymodel.trace.header import Header
from vctx.tb.cli import app
from vctx.tb.jobs.programs import ProgramsConfig, export
from vctx.tb.jobs.run import run as on_rtl
from vctx.tb.knobs import Knobs

CASES = [
    *(("states", vlen) for vlen in (128, 256, 1024)),
    *(("bugs", vlen) for vlen in (128, 256, 1024)),
    *((name, 128) for name in ("csr", "vset", "faults", "irq")),
    ("edges", 1024),
    *(("fuzz", vlen) for vlen in (128, 256, 1024)),
    *(("kvm", vlen) for vlen in (128, 1024)),
]


@pytest.mark.parametrize(("name", "vlen"), CASES)
def test_spike_logs_what_is_expected(name: str, vlen: int, tmp_path: Path) -> None:
    programs = exported(tmp_path, vlen, name)
    assert len(programs) == {"fuzz": 4, "kvm": 2}.get(name, 1)
    for program in programs:
        exit_code, lines, wrong = spike_differences(tmp_path, program, vlen)
        assert (exit_code, wrong) == (0, [])
        assert lines > program.instructions
        assert set(program.left_out) == ({IRQ} if name == "irq" else set()) or name == "kvm"
    listed = json.loads((tmp_path / "manifest.json").read_text())["programs"]
    assert [entry["elf"] for entry in listed] == [program.elf for program in programs]


def test_every_instruction_of_a_sweep_is_a_step(tmp_path: Path) -> None:
    (program,) = exported(tmp_path, 128, "bugs")
    trace = tmp_path / "bugs.vctx"
    found = translate(Header.of(trace), TraceReader(trace), Machine(128))
    words = [event.issue.insn for event in TraceReader(trace) if hasattr(event, "issue")]
    assert [step.event.issue.insn for step in found.steps] == words
    lines = (tmp_path / "bugs.steps").read_text().splitlines()
    assert len(lines) == program.checked == len(words)
    assert {step.mode for step in found.steps} == {"M", "HS", "U", "VS", "VU"}


def test_what_no_tables_give_is_left_out_and_made(tmp_path: Path) -> None:
    """A guest-page fault without a guest: the state that it left is made, and what follows finds it."""
    exported(tmp_path, 128, "bugs")
    trace = tmp_path / "bugs.vctx"
    events = list(TraceReader(trace))
    at = next(i for i, event in enumerate(events) if isinstance(event, Insn) and any(x.fault for x in event.issue.xlat))
    before = events[at]
    assert isinstance(before, Insn) and before.retire.trap is not None
    xlat = tuple(replace(x, fault=21, gpn=x.vpn) if x.fault else x for x in before.issue.xlat)
    issue = before.issue._replace(prv=3, virt=False, xlat=xlat)
    events[at] = Insn(0, before.pc, issue, before.retire)
    found = translate(Header.of(trace), events, Machine(128))
    (reason,) = found.left_out
    assert found.left_out[reason] == 1 and reason.startswith(f"{NO_TABLES}: no guest-page fault at page")
    elf = tmp_path / "made.elf"
    image.write_elf(found, elf)
    ended = run(elf, 128)
    assert (ended.exit_code, ended.signature) == (0, found.signature)


@pytest.mark.parametrize(
    ("xlat", "virt", "message"),
    [
        (Xlat(0x80000, fault=23, gpn=5), False, "no guest-page fault"),
        (Xlat(0x80000, fault=23, gpn=1 << 29), True, "no guest-page fault"),
        (Xlat(1 << 30, ppn=0x80000), True, "is no Sv39 address"),
    ],
)
def test_answers_that_no_tables_give(xlat: Xlat, virt: bool, message: str) -> None:
    with pytest.raises(NoTablesError, match=message):
        Answer.of(xlat, user=False, virt=virt)


def test_answers_that_contradict_get_tables_of_their_own() -> None:
    sets = Sets()
    there, gone = (
        Answer.of(Xlat(5, ppn=7), user=False, virt=False),
        Answer.of(Xlat(5, fault=13), user=False, virt=False),
    )
    assert [sets.find({5: there}), sets.find({5: gone}), sets.find({6: gone}), sets.find({5: there})] == [0, 1, 1, 0]
    assert sets.pages == {5, 6}


def test_the_block_runs_a_program_unchanged(tmp_path: Path) -> None:
    exported(tmp_path, 256, "bugs")
    elf = tmp_path / "bugs.elf"
    result = on_rtl(elf, Knobs(vlen=256, harts=1), max_instructions=1_000_000)
    assert (result.exit_code, result.rtl.mismatch) == (0, None)
    assert result.rtl.instructions > 5000


def _patched(elf: Path, section: str, offset: int, data: bytes) -> Path:
    """Return a copy of a program with other bytes in a section."""
    image = bytearray(elf.read_bytes())
    with elf.open("rb") as file:
        at = ELFFile(file).get_section_by_name(section)["sh_offset"] + offset
    image[at : at + len(data)] = data
    copy = elf.with_name("patched.elf")
    copy.write_bytes(image)
    return copy


def test_a_program_finds_what_is_wrong(tmp_path: Path) -> None:
    exported(tmp_path, 128, "states")
    elf, trace = tmp_path / "states.elf", tmp_path / "states.vctx"
    found = translate(Header.of(trace), TraceReader(trace), Machine(128))
    assert run(elf, 128).exit_code == 0
    words = next(part for part in found.parts if part.name == "words")
    # A core whose vadd subtracts: VS, traps and CSRs are right, and the registers at the end are not.
    add, sub = (encode(mnemonic, vd=1, vs2=1, vs1=2) for mnemonic in ("vadd.vv", "vsub.vv"))
    at = words.data.index(struct.pack("<I", add))
    ended = run(_patched(elf, ".words", at, struct.pack("<I", sub)), 128)
    assert ended.exit_code == 1 and ended.failed and ended.signature != found.signature
    # A core that takes vsetvli for a nop: the first step that fails is the first of them.
    word = encode("vsetvli", rd=5, rs1=10, vtypei=0)
    at = words.data.index(struct.pack("<I", word))
    ended = run(_patched(elf, ".words", at, struct.pack("<I", encode("addi", rd=0, rs1=0, imm=0))), 128)
    first = next(step for step in found.steps if step.event.issue.insn == word)
    assert ended.exit_code == 1 and ended.failed[0][0] == first.record


def test_a_trap_that_belongs_to_no_step_ends_a_program(tmp_path: Path) -> None:
    exported(tmp_path, 128, "bugs")
    elf = tmp_path / "bugs.elf"
    trace = tmp_path / "bugs.vctx"
    found = translate(Header.of(trace), TraceReader(trace), Machine(128))
    steps = next(part for part in found.parts if part.name == "steps")
    nowhere = struct.pack("<Q", 1 << 40)  # the routine of the second record
    first = found.steps[0].record - steps.address
    ended = run(_patched(elf, ".steps", first + STEP_BYTES, nowhere), 128)
    assert ended.exit_code == 2


def test_a_fuzz_program_finds_what_is_wrong(tmp_path: Path) -> None:
    program = exported(tmp_path, 128, "fuzz")[0]
    elf = tmp_path / program.elf
    assert run(elf, 128).exit_code == 0
    with elf.open("rb") as file:
        body = ELFFile(file).get_section_by_name(".body").data()
        data = ELFFile(file).get_section_by_name(".world").data()
    assert world().image.endswith(data) and len(set(data)) == 256
    clear = struct.pack("<I", encode("addi", rd=5, rs1=0, imm=0x155))
    ended = run(_patched(elf, ".body", len(body) - 12, clear), 128)
    assert ended.exit_code == 1


def test_a_machine_of_another_layout(tmp_path: Path) -> None:
    """Where the program starts and ends, and where no memory is, are parameters of the machine."""
    exported(tmp_path, 128, "bugs")
    trace = tmp_path / "bugs.vctx"
    machine = Machine(128, reset_pc=0x8001_0000, tohost=0x8000_F000, hole=1 << 49)
    found = translate(Header.of(trace), TraceReader(trace), machine)
    elf = tmp_path / "moved.elf"
    image.write_elf(found, elf)
    assert min(part.address for part in found.parts) > 0x8001_0000
    assert run(elf, 128).exit_code == 0
    with pytest.raises(TraceError, match="tohost 0x80020000 is inside the program"):
        translate(Header.of(trace), TraceReader(trace), Machine(128, tohost=0x8002_0000))
    with pytest.raises(TraceError, match="behind RAM: it needs"):
        translate(Header.of(trace), TraceReader(trace), Machine(128, ram_size=0x1_0000))
    with pytest.raises(TraceError, match="no program for VLEN 256"):
        translate(Header.of(trace), TraceReader(trace), Machine(256))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"reset_pc": 0x8000_0800}, "reset_pc"),
        ({"tohost": 0x7000_0000}, "tohost"),
        ({"hole": 0x8000_0000}, "hole"),
        ({"hole": 0x123}, "multiple of 1 GiB"),
        ({"ram_size": 1 << 31}, "between two multiples"),
    ],
)
def test_a_machine_that_cannot_be(arguments: dict[str, int], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Machine(128, **arguments)


def test_rules_are_items_of_the_specification() -> None:
    text = (DOCS / "specification.md").read_text()
    items = set(re.findall(r"^\| ([A-Z]-\d+) \|", text, re.MULTILINE))
    assert set(RULES) == set(SWEEPS)
    assert {item for rules in RULES.values() for item in rules} <= items


def test_bad_usage(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"program 'sates': must be one of states"):
        ProgramsConfig(("sates",))
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(UsageError, match="must be a folder"):
        export(ProgramsConfig(("bugs",), 128), file, "-")
    assert CliRunner().invoke(app, ["programs", "bugs"]).exit_code != 0


def test_the_command(tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = CliRunner().invoke(app, ["programs", "bugs", "--out", str(out), "--vlen", "128", "--no-log"])
    assert result.exit_code == 0, result.output
    assert "bugs.elf" in result.output
    assert {path.suffix for path in out.iterdir() if path.name[0] != "."} == {".elf", ".steps", ".vctx", ".json"}
