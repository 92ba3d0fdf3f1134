# SPDX-License-Identifier: Apache-2.0
"""Plain C loops, compiled by the command that the README gives, and what is said of an instruction that is missing."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from run_programs import LIMIT, golden, link, spike

from vctx.pymodel.places_in_source import place_of
from vctx.pymodel.programs import read_elf
from vctx.pymodel.scenarios.bare_metal import RunError
from vctx.tb.jobs.run import run
from vctx.tb.knobs import Knobs
from vctx.tb.simulators.find import SIMULATORS

ROOT = Path(__file__).resolve().parents[2]
PLAIN = ROOT / "sw" / "bare" / "plain"

# What the compiler makes of each program, at least: its loops are vectorised, and by the instructions meant for them.
EXPECTED = {
    "copy": {"vzext.vf8", "vsext.vf2", "vnsrl.wi", "vsse16.v"},
    "add": {"vadd.vv", "vwsub.vv", "vwaddu.wv", "vid.v", "vmadd.vx"},
    "sum": {"vredsum.vs", "vredxor.vs", "vredand.vs", "vwadd.wv", "vsext.vf4"},
    "dot": {"vwmacc.vv", "vwmaccu.vv", "vmul.vv", "vmadd.vx", "vmulh.vx", "vredsum.vs"},
    "max": {"vmax.vv", "vredmax.vs", "vminu.vv", "vredminu.vs"},
    "shift": {"vsll.vx", "vsrl.vi", "vsra.vi", "vsrl.vv", "vnsrl.wi"},
    "stride2": {"vlse8.v", "vlse32.v", "vlse64.v", "vsse16.v", "vsse32.v"},
    "conditional": {"vmslt.vv", "vmerge.vim", "vmerge.vvm", "vmax.vv", "vmsltu.vx"},
}


def readme_command(source: Path, elf: Path) -> list[str]:
    """Return the command of the README's "Run your own program" that compiles a program, for this program."""
    text = re.sub(r"\\\n *", "", (ROOT / "README.md").read_text())
    (line,) = re.findall(r"^\.venv/bin/python (-m ziglang cc .* my\.c)$", text, re.MULTILINE)
    names = {"my.elf": str(elf), "my.c": str(source)}
    return [sys.executable, *(names.get(word, word) for word in shlex.split(line))]


def compiled(source: Path, directory: Path, *more: str) -> Path:
    elf = directory / f"{source.stem}.elf"
    done = subprocess.run([*readme_command(source, elf), *more], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return elf


def test_there_is_a_program_of_each_kind() -> None:
    assert {path.stem for path in PLAIN.glob("*.c")} == EXPECTED.keys()


@pytest.mark.parametrize("sim", SIMULATORS)
@pytest.mark.parametrize("name", EXPECTED)
def test_a_plain_loop_agrees_everywhere(name: str, sim: str, tmp_path: Path) -> None:
    """On the golden hart, the RTL and Spike, commit by commit, with no trap."""
    elf = compiled(PLAIN / f"{name}.c", tmp_path)
    vlen = 256 if sim == "verilator" else 128
    log = tmp_path / "commits"
    result = run(elf, Knobs(sim, vlen, 64, harts=1), max_instructions=LIMIT, commit_log=log)
    assert result.rtl.ok and result.exit_code == 0
    ended = result.program
    assert (ended.exit_code, ended.traps, ended.illegal, ended.unhandled) == (0, 0, 0, None)
    exit_code, lines = spike(elf, vlen, tmp_path)
    assert exit_code == 0
    assert log.read_text() == "".join(lines)
    assert ended.vectors.keys() >= EXPECTED[name]
    assert 100 < sum(ended.vectors.values()) < result.rtl.instructions


def test_the_different_vector_instructions_are_counted(tmp_path: Path) -> None:
    """A loop of three times two instructions, and a vset."""
    body = "\tli t0, 3\n\tvsetivli zero, 4, e8, m1, ta, ma\n1:\tvid.v v8\n\tvmul.vv v9, v8, v8\n\taddi t0, t0, -1\n"
    elf = link(f"{body}\tcsrr t1, vl\n\tbnez t0, 1b\n\tli a0, 0\n\tj exit", tmp_path)
    ended, _ = golden(elf, 128)
    assert dict(ended.vectors) == {"vsetivli": 1, "vid.v": 3, "vmul.vv": 3}
    done = vctx("run", elf, "--sim", "icarus", "--vlen", "128", "--dlen", "64")
    assert "vector instructions: 3 different, 7 retired: vid.v, vmul.vv, vsetivli" in done.stdout


# --- what is missing ---

DIVIDE = """
unsigned a[40], b[40];

__attribute__((noinline)) static void divide(unsigned *x, const unsigned *y, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		x[i] = x[i] / (y[i] | 1);
}

int main(void)
{
	divide(a, b, 40);
	return 0;
}
"""


def vctx(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "vctx.tb.cli", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)


@pytest.fixture(name="divides")
def fixture_divides(tmp_path: Path) -> Path:
    source = tmp_path / "divides.c"
    source.write_text(DIVIDE)
    return compiled(source, tmp_path)


def test_a_missing_instruction_ends_a_program_that_does_not_handle_it(divides: Path, tmp_path: Path) -> None:
    log = tmp_path / "commits"
    done = vctx("run", divides, "--sim", "icarus", "--vlen", "128", "--dlen", "64", "--commit-log", log)
    assert done.returncode == 100
    assert "agreed" not in done.stdout
    told = (
        r"illegal instruction, not handled: vdivu\.vv v\d+, v\d+, v\d+ \(0x[0-9a-f]{8}\) in divide \(divides\.c:7\), "
    )
    assert re.search(told + r"at 0x8\w+, is not among the instructions of docs/isa\.md\n", done.stdout)
    assert "ended with exit code 100; up to there the RTL did the same: " in done.stdout
    assert log.read_text().splitlines()[-1].startswith("core   0: 3 0x")
    assert spike(divides, 128, tmp_path)[0] == 0  # which has it


def test_an_instruction_that_the_state_forbids_is_told_apart(tmp_path: Path) -> None:
    elf = link("\tli t0, 3 << 9\n\tcsrc mstatus, t0\n\tvadd.vv v1, v2, v3", tmp_path, "off", skips_traps=False)
    done = vctx("run", elf, "--sim", "icarus", "--vlen", "128", "--dlen", "64")
    assert done.returncode == 100
    told = (
        r"not handled: vadd\.vv v1, v2, v3 \(0x022180d7\) in main.*, at 0x8\w+, is not legal in the state that it met"
    )
    assert re.search(told, done.stdout)


def test_the_same_in_a_program_without_an_end(divides: Path, tmp_path: Path) -> None:
    elf = link("\t.4byte 0x82a42457\n1:\tj 1b", tmp_path)
    with pytest.raises(
        RunError, match=r"; illegal instructions: 1, the first vdivu\.vv v8, v10, v8 \(0x82a42457\) in main"
    ):
        golden(elf, 128, limit=500)


def test_a_trap_of_another_kind_is_no_illegal_instruction(tmp_path: Path) -> None:
    elf = link("\tld t0, 0(zero)", tmp_path, "loads", skips_traps=False)
    ended, _ = golden(elf, 128)
    assert (ended.exit_code, ended.traps, ended.illegal, ended.unhandled) == (100, 1, 0, None)


def test_a_failure_after_a_handler_returned_is_the_programs_own(tmp_path: Path) -> None:
    elf = link("\t.4byte 0x82a42457\n\tli a0, 7\n\tj exit", tmp_path)
    ended, _ = golden(elf, 128)
    assert (ended.exit_code, ended.illegal, ended.unhandled) == (7, 1, None)


# --- places in the source ---


def _main(elf: Path) -> int:
    return read_elf(elf.name, elf).symbols["main"]


def test_the_place_of_an_address(divides: Path) -> None:
    main = _main(divides)
    assert re.fullmatch(r"main \(divides\.c:1[0-4]\)", place_of(divides, main))
    start = read_elf(divides.name, divides).entry
    assert re.fullmatch(r"_start \(start\.S:\d+\)", place_of(divides, start))
    assert place_of(divides, 0x1000) == ""


def test_an_inlined_function_is_named(tmp_path: Path) -> None:
    source = tmp_path / "inlined.c"
    source.write_text(DIVIDE.replace("noinline", "always_inline"))
    elf = compiled(source, tmp_path)
    ended, _ = golden(elf, 128)
    assert ended.unhandled is not None
    assert " in divide (inlined.c:7), at " in ended.unhandled.text(elf)


def test_without_debug_information_symbols_will_do(tmp_path: Path) -> None:
    source = tmp_path / "bare.c"
    source.write_text(DIVIDE)
    elf = compiled(source, tmp_path, "-g0")
    main = _main(elf)
    assert place_of(elf, main) == "main"
    assert place_of(elf, main + 2) == "main+0x2"
    ended, _ = golden(elf, 128)
    assert ended.unhandled is not None
    assert re.search(r" in divide\+0x\w+, at ", ended.unhandled.text(elf))


def test_damaged_debug_information_counts_as_none(divides: Path, tmp_path: Path) -> None:
    elf = shutil.copy(divides, tmp_path / "damaged.elf")
    data = bytearray(elf.read_bytes())
    at = data.find(b"\x04\x00", data.find(b"divides.c") + 1)  # not worth finding out which: everything behind the code
    data[0x2000:at] = bytes(0xA5 for _ in data[0x2000:at])
    elf.write_bytes(bytes(data))
    assert place_of(elf, _main(divides)).startswith("main")
