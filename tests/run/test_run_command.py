# SPDX-License-Identifier: Apache-2.0
"""`vctx run` as a user meets it: the RTL's agreement, exit codes, and clear errors."""

from __future__ import annotations

import shutil
import struct
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
from run_programs import LIMIT, golden, link, spike

from vctx.pymodel.errors import UsageError
from vctx.pymodel.places import RTL
from vctx.pymodel.programs import PROGRAMS, ProgramError, build, read_elf
from vctx.pymodel.scenarios.bare_metal import RunError
from vctx.tb.jobs.run import run
from vctx.tb.knobs import Knobs
from vctx.tb.replay.launch import replay
from vctx.tb.runs import beside
from vctx.tb.simulators.find import SIMULATORS

ROOT = Path(__file__).resolve().parents[2]
BARE = [name for name in PROGRAMS if name.startswith("bare-")]
DLEN = 64


def vctx(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "vctx.tb.cli", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=1800, check=False)


@pytest.mark.parametrize("vlen", [128, 512])
@pytest.mark.parametrize("name", BARE)
@pytest.mark.parametrize("sim", SIMULATORS)
def test_rtl_agrees(sim: str, name: str, vlen: int, tmp_path: Path) -> None:
    log = tmp_path / "commits"
    result = run(build(name), Knobs(sim, vlen, DLEN, harts=1), max_instructions=LIMIT, commit_log=log)
    assert result.rtl.mismatch is None and result.exit_code == 0
    assert result.rtl.instructions > 200
    assert log.read_text() == "".join(golden(build(name), vlen)[1])


@pytest.mark.parametrize(("code", "exit_code"), [(0, 0), (7, 7), (130, 130), (255, 255), (300, 255)])
def test_exit_code_of_the_program(code: int, exit_code: int, tmp_path: Path) -> None:
    elf = link(f"\tli t0, {code} << 1 | 1\n\tlla t1, tohost\n\tsd t0, 0(t1)\n1:\tj 1b", tmp_path, f"exit{code}")
    done = vctx("run", elf, "--sim", "icarus", "--vlen", "128", "--dlen", str(DLEN))
    assert done.returncode == exit_code, done.stderr
    assert f"exit code {code}" in done.stdout and not done.stderr
    assert spike(elf, 128, tmp_path)[0] == code % 256


@pytest.mark.parametrize(
    "store",
    [
        "\tcsrs mstatus, t2\n\tvsetivli x0, 1, e64, m1, ta, ma\n\tvmv.s.x v1, t0\n\tvse64.v v1, (t1)",
        "\tamoswap.d x0, t0, (t1)",
        "\tsw x0, 4(t1)\n\tsw t0, 0(t1)",
    ],
    ids=["vector", "atomic", "in parts"],
)
def test_any_store_to_tohost_ends_the_program(store: str, tmp_path: Path) -> None:
    """Stores beside it and of 0 do not."""
    beside = "\tsd t0, 8(t1)\n\tsd x0, 0(t1)"
    elf = link(f"\tli t0, 5 << 1 | 1\n\tlla t1, tohost\n\tli t2, 1 << 9\n{beside}\n{store}\n1:\tj 1b", tmp_path, "ends")
    ended = golden(elf, 128)[0]
    assert (ended.exit_code, ended.traps) == (5, 0)


def test_a_mismatch_names_the_first_instruction(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rtl = shutil.copytree(RTL, tmp_path / "rtl")
    source = rtl / "vctx_status.sv"
    text = source.read_text()
    old, new = "if (dirty_i) mstatus_vs_q", "if (dirty_i && !virt_i) mstatus_vs_q"
    assert text.count(old) == 1
    source.write_text(text.replace(old, new))
    monkeypatch.setattr(beside, "replay", partial(replay, rtl=rtl, build_root=tmp_path / "build"))
    result = run(build("bare-modes"), Knobs("icarus", 128, DLEN, harts=1), max_instructions=LIMIT)
    assert result.exit_code == 1
    mismatch = result.rtl.mismatch
    assert mismatch is not None
    assert (mismatch.mode, mismatch.disassembly) == ("VS", "vadd.vv v1, v1, v1")
    assert "mstatus_vs" in mismatch.text()


# program, message
ENDLESS = {
    "loop": ("1:\tj 1b", "has not ended after 500 instructions and traps; pc is 0x8"),
    "trap loop": ("\tcsrw mtvec, zero\n\t.4byte 0", "has not ended after 500 instructions and traps; pc is 0x0"),
    "wfi": ("\tcsrw mie, zero\n\twfi", "waits for an interrupt that cannot come"),
}


@pytest.mark.parametrize("name", ENDLESS)
def test_a_program_that_never_ends(name: str, tmp_path: Path) -> None:
    text, message = ENDLESS[name]
    log = tmp_path / "commits"
    done = vctx("run", link(text, tmp_path), "--max-instructions", "500", "--commit-log", log)
    assert done.returncode == RunError.exit_code == 1
    assert message in done.stderr and done.stderr.count("\n") == 1
    assert log.read_text()  # as far as it came


def test_a_log_that_cannot_be_written() -> None:
    done = vctx("run", build("bare-modes"), "--sim", "icarus", "--vlen", "128", "--commit-log", "/dev/full")
    assert done.returncode == UsageError.exit_code == 2
    assert "No space left on device" in done.stderr and done.stderr.count("\n") == 1


def test_illegal_instructions_that_the_program_survives_are_told(tmp_path: Path) -> None:
    body = """
\t.word 0x82a42457 # vdivu.vv v8, v10, v8
\t.2byte 0
\tli a0, 0
\tj exit"""
    elf = link(body, tmp_path)
    ended = golden(elf, 128)[0]
    assert (ended.traps, ended.illegal) == (2, 2)
    assert ended.first_illegal is not None and ended.first_illegal.word == 0x82A42457 and ended.unhandled is None
    done = vctx("run", elf, "--sim", "icarus", "--vlen", "128", "--dlen", str(DLEN))
    assert (
        "agreed: " in done.stdout
        and "illegal instructions: 2, the first vdivu.vv v8, v10, v8 (0x82a42457) in main" in done.stdout
    )
    assert golden(build("bare-loops"), 128)[0].illegal == 0


def test_illegal_instructions_count_wherever_they_are_handled(tmp_path: Path) -> None:
    """In VS-mode by delegation through both levels, and in HS-mode; an ecall there is none."""
    body = """
\tlla t0, there
\tcsrw stvec, t0
\tcsrw vstvec, t0
\tli t0, 4
\tcsrw medeleg, t0
\tcsrw hedeleg, t0
\tli t0, 3 << 11
\tcsrc mstatus, t0
\tli t0, 1 << 11
\tcsrs mstatus, t0
{virtual}
\tlla t0, below
\tcsrw mepc, t0
\tmret
below:
\t.word 0x82a42457
\t.balign 4
there:
\tli a0, 5
\tlla t1, tohost
\tli t0, 1
\tsd t0, 0(t1)
1:\tj 1b"""
    for virtual in ("", "\tli t0, 1 << 39\n\tcsrs mstatus, t0"):
        ended = golden(link(body.format(virtual=virtual), tmp_path), 128)[0]
        assert (ended.traps, ended.illegal) == (1, 1)
        assert ended.first_illegal is not None and ended.first_illegal.word == 0x82A42457 and ended.unhandled is None


def test_a_log_does_not_replace_the_program(tmp_path: Path) -> None:
    elf = link("\tli a0, 0\n\tj exit", tmp_path)
    before = elf.read_bytes()
    done = vctx("run", elf, "--sim", "icarus", "--vlen", "128", "--commit-log", elf)
    assert done.returncode == 2 and "is the program" in done.stderr
    assert elf.read_bytes() == before


def test_an_unserved_request_to_the_host(tmp_path: Path) -> None:
    elf = link("\tli t0, 1 << 56 | 1 << 48 | 'A'\n\tlla t1, tohost\n\tsd t0, 0(t1)\n1:\tj 1b", tmp_path)
    with pytest.raises(UsageError, match="HTIF request 0x101000000000041 is not an exit"):
        golden(elf, 128)


def test_ram_grows_with_the_program(tmp_path: Path) -> None:
    text = "\tlla a1, big + 0x180000\n\tsd a1, 0(a1)\n\tli a0, 0\n\tj exit\n\t.bss\nbig:\t.skip 0x200000"
    elf = link(text, tmp_path)
    assert golden(elf, 128)[0].traps == 0
    assert golden(elf, 128)[1] == spike(elf, 128, tmp_path)[1]


def _elf32() -> bytes:
    head = b"\x7fELF\x01\x01\x01".ljust(16, b"\0")
    return head + struct.pack("<HHIIIIIHHHHHH", 2, 243, 1, 0, 0, 0, 0, 52, 32, 0, 40, 0, 0)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot read"),
        (b"", "is not an ELF file"),
        (b"#!/bin/sh\nexit 0\n", "is not an ELF file"),
        (_elf32(), "is not a 64-bit RISC-V program"),
        (Path(sys.executable).resolve().read_bytes()[:4096], "is not a 64-bit RISC-V program"),
    ],
)
def test_missing_and_foreign_files(content: bytes | None, message: str, tmp_path: Path) -> None:
    path = tmp_path / "program.elf"
    if content is not None:
        path.write_bytes(content)
    done = vctx("run", path)
    assert done.returncode == 2
    assert message in done.stderr and done.stderr.startswith("error: ") and done.stderr.count("\n") == 1


def test_truncated_files(tmp_path: Path) -> None:
    whole, path = build("bare-modes").read_bytes(), tmp_path / "program.elf"
    for size in (20, 70, 1000, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:size])
        with pytest.raises(ProgramError, match=r"is not an ELF file|is truncated"):
            read_elf("program", path)


def test_programs_that_cannot_run(tmp_path: Path) -> None:
    elf = link("\tret", tmp_path)
    knobs = Knobs("icarus", 128, DLEN, harts=1)
    changed, data = tmp_path / "changed.elf", bytearray(elf.read_bytes())
    changed.write_bytes(data.replace(b"\0tohost\0", b"\0nohost\0"))
    with pytest.raises(UsageError, match="has no symbol tohost"):
        run(changed, knobs, max_instructions=1)
    at = data.index((0x8000_0000).to_bytes(8, "little"), 64) + 8  # p_paddr of the first segment
    elsewhere = bytearray(data)
    elsewhere[at : at + 8] = (0x7000_0000).to_bytes(8, "little")
    changed.write_bytes(elsewhere)
    with pytest.raises(UsageError, match="RAM is 0x80000000 to"):
        run(changed, knobs, max_instructions=1)
    data[16] = 1  # e_type: relocatable
    changed.write_bytes(data)
    with pytest.raises(ProgramError, match="is not an executable"):
        read_elf("changed", changed)
    with pytest.raises(UsageError, match="cannot write"):
        run(elf, knobs, max_instructions=1, commit_log=tmp_path / "none" / "log")
