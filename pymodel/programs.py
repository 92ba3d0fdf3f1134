# SPDX-License-Identifier: Apache-2.0
"""The programs of sw/: what they are built from, building them once, and reading the result.

`python -m vctx.pymodel.programs` builds all of them. A program is built when its file under sim_build/sw does not exist
yet; the file's name holds a hash of everything it depends on, so sources and flags may change and builds may run in
parallel.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

from elftools.common.exceptions import ELFError
from elftools.elf.constants import SH_FLAGS
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection
from elftools.elf.segments import Segment

from vctx.pymodel.errors import ToolError, UsageError, VctxError
from vctx.pymodel.isa import decode
from vctx.pymodel.isa.compressed import expand
from vctx.pymodel.isa.encoding import Kind
from vctx.pymodel.places import SW, build_root

_MAX_SEGMENT = 1 << 30

# -fno-builtin keeps loops from becoming calls of a C library that is not there; the SLP vectoriser would use
# instructions outside the supported subset.
_FLAGS = (
    *("-target", "riscv64-freestanding-none", "-mcmodel=medany", "-mno-relax"),
    *("-ffreestanding", "-fno-builtin", "-fno-slp-vectorize", "-fomit-frame-pointer"),
    *("-O2", "-g0", "-Wall", "-Wextra", "-Werror", "-nostdlib", "-static", "-Wl,--no-gc-sections"),
)


# Without compressed instructions code reads as 32-bit words; user programs have everything the golden hart has.
_CPU = "generic_rv64+m+a+v+zicsr"
_BARE_CPU = "generic_rv64+m+a+c+v+h+zicsr+zifencei"


class ProgramError(UsageError):
    """A program is unknown, cannot be built or read, or holds something the golden hart cannot run."""


class CompilerError(ProgramError):
    """The compiler or linker refuses a program; `said` is what it printed."""

    def __init__(self, message: str, said: str) -> None:
        super().__init__(message)
        self.said = said

    def brief(self) -> str:
        """Return the first of its errors, and how many others there are, in a line."""
        errors = [line for line in self.said.splitlines() if "error: " in line] or [self.said.strip()]
        return errors[0] + (f" (and {len(errors) - 1} more)" if len(errors) > 1 else "")


@dataclass(frozen=True)
class Program:
    """How a program is built.

    Attributes:
        sources, script: source files and linker script relative to sw/.
        entry: entry symbol.
        defines: preprocessor definitions.
        cpu: target CPU with its extensions.
        checked: every word of it must be an instruction that the golden hart executes.
    """

    sources: tuple[str, ...]
    script: str
    entry: str = "_start"
    defines: tuple[str, ...] = ()
    cpu: str = _CPU
    checked: bool = True


@dataclass(frozen=True)
class Image:
    """A linked program.

    Attributes:
        name: its name in :data:`PROGRAMS`.
        path: the ELF file.
        segments: (address, contents) of everything that is loaded, zero-initialised memory included.
        symbols: addresses by global symbol.
        constants: absolute symbols, which do not move when the program does.
        entry: address of the first instruction.
    """

    name: str
    path: Path
    segments: tuple[tuple[int, bytes], ...]
    symbols: Mapping[str, int] = field(repr=False)
    constants: Mapping[str, int] = field(repr=False)
    entry: int = 0

    @property
    def base(self) -> int:
        """Lowest address."""
        return min(address for address, _ in self.segments)

    @property
    def end(self) -> int:
        """First address behind the program."""
        return max(address + len(data) for address, data in self.segments)

    def relocated(self, base: int) -> Image:
        """Return the image moved to `base`; only position-independent programs (kernel, task) may be moved."""
        delta = base - self.base
        return replace(
            self,
            segments=tuple((address + delta, data) for address, data in self.segments),
            symbols={name: address + delta for name, address in self.symbols.items()},
            entry=self.entry + delta,
        )


_ASSEMBLY = (".S", ".s")  # the first is preprocessed
ROUTINES = "kvm/vector.S"
"""The kernel's vector_save and vector_restore, in place of which another file may be linked."""


def _kernel(*defines: str) -> Program:
    sources = ("boot.S", "kvm/layout.S", ROUTINES, "kvm/discard.S", "kvm/switch.S", "kvm/user.S", "kvm/xor.S")
    return Program(sources, "kernel.ld", "boot", defines)


def _mistakes(*defines: str) -> Program:
    return Program(("kvm/mistakes.S",), "host/task.ld", "save_keeps_vl", defines)


def _guest(source: str, vs: str | None, *more: str) -> Program:
    defines = (*(() if vs is None else (f"GUEST_VS={vs}",)), *more)
    return Program(("guests/start.S", f"guests/{source}"), "guests/guest.ld", "_start", defines)


def _bare(source: str, *, checked: bool = True) -> Program:
    return Program(("bare/start.S", f"bare/{source}"), "bare/link.ld", cpu=_BARE_CPU, checked=checked)


# What a guest sets its own VS to differs on purpose: the three values must behave alike (B-6).
_GUESTS = {
    "copy": _guest("copy.c", "SR_VS_INITIAL"),
    "set": _guest("set.c", "SR_VS_CLEAN"),
    "xor": _guest("xor.c", "SR_VS"),
    "add": _guest("add.c", "SR_VS_INITIAL"),
    "canary": _guest("canary.S", "SR_VS_INITIAL"),
    "vill": _guest("vill.S", "SR_VS"),
    "vstart": _guest("vstart.S", "SR_VS_CLEAN"),
    "mask": _guest("mask.S", "SR_VS"),
    "scalar": _guest("scalar.S", None),
    "nov": _guest("nov.S", "SR_VS_INITIAL"),
    "states": _guest("states.S", None),
    "states-nov": _guest("states.S", None, "GUEST_LACKS_V"),
    "rude": _guest("rude.S", "SR_VS"),
    "procs": _guest("procs.S", None),
}

GUESTS = tuple(_GUESTS)
"""Names of the guest programs."""

PROGRAMS: Mapping[str, Program] = {
    "kernel": _kernel(),
    "kernel-vlenb": _kernel("KVM_V_HAS_VLENB"),
    "kernel-vs": _kernel("KVM_V_KEEPS_VS"),
    "kernel-vlenb-vs": _kernel("KVM_V_HAS_VLENB", "KVM_V_KEEPS_VS"),
    "mistakes": _mistakes(),
    "mistakes-vlenb": _mistakes("KVM_V_HAS_VLENB"),
    **_GUESTS,
    "driver": Program(("guests/driver.S",), "guests/guest.ld"),
    "calls": Program(("host/calls.S",), "host/task.ld"),
    "caller": Program(("host/caller.S",), "host/task.ld"),
    "first": Program(("host/first.S",), "host/task.ld"),
    "task": Program(("host/task.S",), "host/task.ld"),
    "fuzz": Program(("fuzz/runtime.S",), "fuzz/fuzz.ld", "boot"),
    "firmware-stub": Program(
        ("firmware/stub.S",),
        "firmware/stub.ld",
        defines=("FIRMWARE=0x80000000", "KERNEL=0x80200000", "FDT_COPY=0x88000000"),
        cpu=_BARE_CPU,
    ),
    "bare-loops": _bare("loops.c"),
    "bare-modes": _bare("modes.S", checked=False),
}
"""Every program by name. The kernels differ in the layout of the vector state (S17) and in what save and restore leave
of sstatus.VS (S14)."""


def build(name: str) -> Path:
    """Build program `name` unless that is done already, and return its ELF file.

    Raises:
        ProgramError: unknown name, compiler error, or an instruction that the golden hart lacks.
        ToolError: no compiler.
    """
    program = PROGRAMS.get(name)
    if program is None:
        raise ProgramError(f"unknown program {name!r}; there are {', '.join(PROGRAMS)}")
    folder = build_root() / "sw"
    path = folder / f"{name}-{_digest(program)}.elf"
    if path.exists():
        return path
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        linked = Path(scratch) / f"{name}.elf"
        link(program, sources(program), linked)
        if program.checked:
            _check_instructions(name, linked, compressed="+c" in program.cpu)
        linked.replace(path)
    return path


def sources(program: Program) -> list[Path]:
    """Return the source files of a program."""
    return [SW / source for source in program.sources]


def link(program: Program, files: Sequence[Path], output: Path) -> None:
    """Compile and link `files`, wherever they are, the way `program` is linked; no check of the instructions.

    Raises:
        CompilerError: what the compiler or linker says.
        ToolError: no compiler.
    """
    if importlib.util.find_spec("ziglang") is None:
        raise ToolError("no RISC-V compiler: install it with `pip install ziglang`")
    command = [sys.executable, "-m", "ziglang", "cc", *_FLAGS, f"-mcpu={program.cpu}"]
    command += [f"-I{SW}", f"-I{SW / 'kvm'}"]
    command += [f"-D{define}" for define in program.defines]
    command += [f"-Wl,-T,{SW / program.script}", f"-Wl,--entry={program.entry}", "-o", str(output)]
    command += map(str, files)
    with tempfile.TemporaryDirectory(dir=output.parent) as scratch:
        caches = {"ZIG_GLOBAL_CACHE_DIR": scratch, "ZIG_LOCAL_CACHE_DIR": scratch}
        result = subprocess.run(command, env=os.environ | caches, capture_output=True, text=True, check=False)
    if result.returncode:
        raise CompilerError(f"building {output.name} failed:\n{' '.join(command)}\n{result.stderr}", result.stderr)


@cache
def load(name: str, routines: Path | None = None) -> Image:
    """Build program `name` if needed and return it as linked.

    Args:
        name: of the program.
        routines: assembly that defines vector_save and vector_restore, in place of the kernel's own.

    Raises:
        ProgramError, ToolError: as :func:`build`; ProgramError, in a line, also if `routines` is not such a file.
    """
    return read_elf(name, build(name)) if routines is None else _load_with(name, routines)


def _load_with(name: str, routines: Path) -> Image:
    """Build a kernel with somebody else's routines. It is not kept: what they include may change any time."""
    if routines.suffix not in _ASSEMBLY:
        raise ProgramError(f"{routines} is no assembly: its name must end in {' or '.join(_ASSEMBLY)}")
    try:
        routines.read_bytes()
    except OSError as error:
        raise ProgramError(f"cannot read {routines}: {error.strerror}") from error
    program = PROGRAMS[name]
    own = SW / ROUTINES
    files = [routines.absolute() if source == own else source for source in sources(program)]
    folder = build_root() / "sw"
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        linked = Path(scratch) / f"{routines.name}.elf"
        try:
            link(program, files, linked)
        except CompilerError as error:
            raise ProgramError(f"cannot build {routines}: {error.brief()}") from error
        _check_instructions(str(routines), linked, compressed=False)
        image = read_elf(name, linked)
    for symbol in ("vector_save", "vector_restore"):
        if symbol not in image.symbols:
            raise ProgramError(f"{routines} defines no global {symbol}")
    return image


def read_elf(name: str, path: Path) -> Image:
    """Read the RV64 executable `path`.

    Raises:
        ProgramError: the file cannot be read or is not a RISC-V ELF64 executable.
    """
    try:
        with path.open("rb") as file:
            elf = ELFFile(file)
            if elf.elfclass != 64 or not elf.little_endian or elf["e_machine"] != "EM_RISCV":
                raise ProgramError(f"{path} is not a 64-bit RISC-V program")
            if elf["e_type"] != "ET_EXEC":
                raise ProgramError(f"{path} is not an executable: it has not been linked, or not to fixed addresses")
            segments = tuple(_contents(path, segment) for segment in elf.iter_segments("PT_LOAD") if segment["p_memsz"])
            if not segments:
                raise ProgramError(f"{path} has nothing to load")
            symbols: dict[str, int] = {}
            constants: dict[str, int] = {}
            table = elf.get_section_by_name(".symtab")
            for symbol in table.iter_symbols() if isinstance(table, SymbolTableSection) else ():
                if symbol["st_info"]["bind"] == "STB_LOCAL":
                    continue
                where = constants if symbol["st_shndx"] == "SHN_ABS" else symbols
                where[symbol.name] = symbol["st_value"]
            return Image(name, path, segments, symbols, constants, elf["e_entry"])
    except OSError as error:
        raise ProgramError(f"cannot read {path}: {error.strerror}") from error
    except (ELFError, ValueError, OverflowError) as error:
        raise ProgramError(f"{path} is not an ELF file, or is damaged: {error}") from error


def _contents(path: Path, segment: Segment) -> tuple[int, bytes]:
    """Return the address of a segment and its bytes, zeros behind what is in the file included."""
    size, in_file = segment["p_memsz"], segment["p_filesz"]
    if size > _MAX_SEGMENT:
        raise ProgramError(f"{path} has a segment of {size:#x} bytes; at most {_MAX_SEGMENT:#x} can be loaded")
    if in_file > size or segment["p_offset"] + in_file > path.stat().st_size:
        raise ProgramError(f"{path} is truncated or damaged")
    return segment["p_paddr"], segment.data().ljust(size, b"\0")


def instructions(path: Path) -> list[tuple[int, int]]:
    """Return (address, word of 16 or 32 bits) of the contents of every executable section of an ELF file."""
    found = []
    with path.open("rb") as file:
        for section in ELFFile(file).iter_sections():
            if not section["sh_flags"] & SH_FLAGS.SHF_EXECINSTR:
                continue
            data, at = section.data(), 0
            while at < len(data):
                size = 4 if data[at] & 3 == 3 else 2
                found.append((section["sh_addr"] + at, int.from_bytes(data[at : at + size], "little")))
                at += size
    return found


def _check_instructions(name: str, path: Path, *, compressed: bool) -> None:
    for address, word in instructions(path):
        full = word if word & 3 == 3 else expand(word) if compressed else None
        if full is None or decode(full).kind is Kind.UNKNOWN:
            raise ProgramError(f"{name} holds {word:#010x} at {address:#x}, which the golden hart does not execute")


def _digest(program: Program) -> str:
    """Hash what the program depends on: its recipe, the flags, and, being small, all of sw/."""
    state = hashlib.sha256(repr((program, _FLAGS)).encode())
    for source in sorted(path for path in SW.rglob("*") if path.is_file()):
        state.update(source.relative_to(SW).as_posix().encode() + b"\0" + source.read_bytes() + b"\0")
    return state.hexdigest()[:12]


def main() -> None:
    """Build every program and print where each one is."""
    try:
        for name in PROGRAMS:
            print(f"{name:14} {build(name)}")
    except VctxError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
