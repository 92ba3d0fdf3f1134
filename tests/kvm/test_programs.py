# SPDX-License-Identifier: Apache-2.0
"""Programs build, are cached, hold what the golden hart can run, and refuse politely."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from vctx.pymodel import programs
from vctx.pymodel.errors import ToolError
from vctx.pymodel.isa import Csr, decode
from vctx.pymodel.isa.compressed import expand
from vctx.pymodel.places import OUT_VARIABLE
from vctx.pymodel.programs import PROGRAMS, Program, ProgramError, build, instructions, load, read_elf

# What makes each C guest worth having: the compiler vectorised its loop.
VECTORISED = {
    "copy": {"vsetvli", "vle8.v", "vse8.v"},
    "set": {"vsetvli", "vmv.v.x", "vse8.v"},
    "xor": {"vsetvli", "vle64.v", "vxor.vv", "vse64.v"},
    "add": {"vsetvli", "vle16.v", "vle32.v", "vadd.vv", "vse16.v", "vse32.v"},
}

# The kernel's sequences, as posted: the vector and status instructions in order.
SAVE = [
    "csrrs sstatus",
    *("csrrs vstart", "csrrs vtype", "csrrs vl", "csrrs vcsr"),
    *("vsetvli", "vse8.v v0", "vse8.v v8", "vse8.v v16", "vse8.v v24"),
    "csrrc sstatus",
]
RESTORE = [
    "csrrs sstatus",
    *("vsetvli", "vle8.v v0", "vle8.v v8", "vle8.v v16", "vle8.v v24"),
    *("vsetvl", "csrrw vstart", "csrrw vcsr"),
    "csrrc sstatus",
]
SAVE_WITH_VLENB = [*SAVE[:5], "csrrs vlenb", *SAVE[5:]]
E8_M8_TA_MA = 0xC3


def routine(name: str, symbol: str) -> list[int]:
    """The words of an assembly routine, up to its ret."""
    image = load(name)
    words = dict(instructions(image.path))
    address, found = image.symbols[symbol], []
    while words[address] != 0x0000_8067:
        found.append(words[address])
        address += 4
    return found


@pytest.mark.parametrize("name", [name for name, program in PROGRAMS.items() if program.checked])
def test_program_holds_only_instructions_of_the_golden_hart(name: str) -> None:
    words = [word if word & 3 == 3 else expand(word) for _, word in instructions(build(name))]
    assert words and all(word is not None and decode(word).mnemonic != ".word" for word in words)
    image = load(name)
    assert image.base <= image.entry < image.end


@pytest.mark.parametrize("name", VECTORISED)
def test_c_guests_are_vectorised(name: str) -> None:
    found = {decode(word).mnemonic for _, word in instructions(build(name))}
    assert found >= VECTORISED[name]


@pytest.mark.parametrize(
    ("kernel", "symbol", "expected"),
    [
        ("kernel", "vector_save", SAVE),
        ("kernel", "vector_restore", RESTORE),
        ("kernel-vlenb", "vector_save", SAVE_WITH_VLENB),
        ("kernel-vlenb", "vector_restore", RESTORE),
    ],
)
def test_order_of_save_and_restore(kernel: str, symbol: str, expected: list[str]) -> None:
    found = []
    for decoded in map(decode, routine(kernel, symbol)):
        fields = decoded.fields
        if "csr" in fields:
            found.append(f"{decoded.mnemonic} {Csr(fields['csr']).name.lower()}")
        elif decoded.mnemonic in ("vle8.v", "vse8.v"):
            assert fields["vm"] == 1
            found.append(f"{decoded.mnemonic} v{fields.get('vd', fields.get('vs3'))}")
        elif decoded.mnemonic.startswith("vset"):
            assert decoded.mnemonic == "vsetvl" or (fields["rs1"], fields["vtypei"]) == (0, E8_M8_TA_MA)
            found.append(decoded.mnemonic)
    assert found == expected


def test_layouts_differ_by_vlenb() -> None:
    old, new = load("kernel").constants, load("kernel-vlenb").constants
    assert (old["layout_vstate_size"], new["layout_vstate_size"]) == (40, 48)
    assert (old["layout_vstate_datap"], new["layout_vstate_datap"]) == (32, 40)
    assert "layout_vstate_vlenb" not in old and new["layout_vstate_vlenb"] == 32
    assert old["layout_context_vector"] == new["layout_context_vector"] == 816


def test_relocation_moves_symbols_but_not_constants() -> None:
    image = load("kernel")
    moved = image.relocated(image.base + 0x4000)
    assert moved.entry == image.entry + 0x4000
    assert moved.symbols["vector_save"] == image.symbols["vector_save"] + 0x4000
    assert moved.constants == image.constants
    assert moved.segments[0][1] == image.segments[0][1]


def test_unknown_program_names_the_known_ones() -> None:
    with pytest.raises(ProgramError, match=r"canary.*task"):
        build("nonsense")


def test_missing_compiler_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(OUT_VARIABLE, str(tmp_path))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ToolError, match="pip install ziglang"):
        build("task")


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("nop\n", None),
        ("vfadd.vv v0, v1, v2\n", "does not execute"),
        (".option arch, +c\nc.nop\nc.nop\n", "does not execute"),
        ("no such instruction\n", "building probe.elf failed"),
    ],
)
def test_build_and_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str, error: str | None) -> None:
    sources = tmp_path / "sw"
    sources.mkdir()
    (sources / "probe.S").write_text(f".globl _start\n_start:\n{text}")
    (sources / "probe.ld").write_text("SECTIONS { . = 0x1000; .text : { *(.text) } }\n")
    monkeypatch.setattr(programs, "SW", sources)
    monkeypatch.setenv(OUT_VARIABLE, str(tmp_path / "build"))
    monkeypatch.setitem(PROGRAMS, "probe", Program(("probe.S",), "probe.ld"))  # type: ignore[misc]
    if error:
        with pytest.raises(ProgramError, match=error):
            build("probe")
        assert not list((tmp_path / "build" / "sw").glob("*.elf"))
        return
    path = build("probe")
    built = path.stat().st_mtime_ns
    assert build("probe") == path and path.stat().st_mtime_ns == built
    (sources / "probe.S").write_text(f".globl _start\n_start:\n{text}{text}")
    assert build("probe") != path


@pytest.mark.parametrize("content", [b"", b"not an ELF file at all", b"\x7fELF\x01\x01\x01" + bytes(60)])
def test_foreign_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "foreign"
    path.write_bytes(content)
    with pytest.raises(ProgramError, match="foreign"):
        read_elf("foreign", path)
    with pytest.raises(ProgramError, match="No such file"):
        read_elf("absent", tmp_path / "absent")
