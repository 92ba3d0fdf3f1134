# SPDX-License-Identifier: Apache-2.0
"""The module of sw/linux_module, built against the headers package of a kernel, without the kernel's own build system.

That needs programs of the kernel's architecture or of a newer system. What it adds to the compiler's output is little:
the module's description, and with CONFIG_MODVERSIONS the checksums of the symbols that it uses.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from vctx.pymodel.places import SW
from vctx.pymodel.programs import ProgramError
from vctx.tb.linux.debian import LinuxKernel

SOURCES = SW / "linux_module"
_INCLUDED = (SW / "move_all.h", SW / "kvm" / "xor.S")
_ARCH = "arch/riscv/include"
_FLAGS = (
    *("-target", "riscv64-freestanding-none", "-mcpu=generic_rv64+m+a+c+zicsr+zifencei", "-mabi=lp64"),
    *("-mcmodel=medany", "-mno-relax", "-fno-pic", "-fno-pie", "-O2", "-g0", "-std=gnu11", "-ffreestanding"),
    *("-fshort-wchar", "-funsigned-char", "-fno-common", "-fno-strict-aliasing", "-fms-extensions"),
    *("-fno-stack-protector", "-fno-sanitize=all", "-fno-asynchronous-unwind-tables", "-fno-unwind-tables"),
    "-w",  # the kernel's headers are written for another compiler's warnings
)
_DEFINES = (
    *("-D__KERNEL__", "-DMODULE", "-DCC_USING_PATCHABLE_FUNCTION_ENTRY", "-D__KBUILD_MODNAME=kmod_kvec"),
    *(f'-DKBUILD_{name}="kvec"' for name in ("MODNAME", "BASENAME", "MODFILE")),
)
_DESCRIPTION = """\
#define INCLUDE_VERMAGIC
#include <linux/vermagic.h>
#include <linux/module.h>
MODULE_INFO(vermagic, VERMAGIC_STRING);
MODULE_INFO(name, "kvec");
__visible struct module __this_module __section(".gnu.linkonce.this_module") = {
	.name = "kvec", .init = init_module, .arch = MODULE_ARCH_INIT,
};
"""
_VERSIONS = 'static const struct modversion_info versions[] __used __section("__versions") = {{\n{}}};\n'


def build_module(kernel: LinuxKernel, cache: Path) -> Path | None:
    """Compile the module, unless that is done already, and return it; None if the kernel's headers are not there.

    Args:
        kernel: what it is for.
        cache: folder for it and for the compiler's own cache.

    Raises:
        ProgramError: compiler error.
    """
    if kernel.headers is None:
        return None
    state = hashlib.sha256(repr((kernel.release, _FLAGS, _DEFINES, _DESCRIPTION)).encode())
    for path in (*sorted(SOURCES.iterdir()), *_INCLUDED, kernel.headers / "built" / "Module.symvers"):
        state.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    module = cache / f"kvec-{state.hexdigest()[:12]}.ko"
    if not module.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as scratch:
            _Build(kernel.headers, Path(scratch), cache / "zig").run().replace(module)
    return module


class _Build:
    """One build, in a folder of its own."""

    def __init__(self, headers: Path, folder: Path, cache: Path) -> None:
        self._symvers = headers / "built" / "Module.symvers"
        self._folder = folder
        self._env = os.environ | {"ZIG_GLOBAL_CACHE_DIR": str(cache), "ZIG_LOCAL_CACHE_DIR": str(cache)}
        common, built = headers / "common", headers / "built"
        kernels = (common / _ARCH, built / _ARCH / "generated", common / "include", built / "include")
        users = (common / _ARCH / "uapi", built / _ARCH / "generated/uapi", common / "include/uapi")
        first = ("compiler-version.h", "kconfig.h", "compiler_types.h")
        self._includes = [
            "-nostdinc",
            *(f"-I{path}" for path in (*kernels, *users, built / "include/generated/uapi")),
            *(word for name in first for word in ("-include", str(common / "include/linux" / name))),
        ]

    def run(self) -> Path:
        objects = [self._compile(SOURCES / name) for name in ("kvec.c", "unit.S")]
        description = self._folder / "description.c"
        description.write_text(_DESCRIPTION + self._versions(objects))
        objects.append(self._compile(description))
        module = self._folder / "kvec.ko"
        link = ("ld.lld", "-m", "elf64lriscv", "-r", "-T", str(SOURCES / "module.lds"), "-o", str(module))
        self._zig(*link, *map(str, objects))
        return module

    def _compile(self, source: Path) -> Path:
        output = self._folder / f"{source.stem}.o"
        of_kernel = (*self._includes, *_DEFINES) if source.suffix == ".c" else ()
        self._zig("cc", *_FLAGS, *of_kernel, "-c", str(source), "-o", str(output))
        return output

    def _versions(self, objects: list[Path]) -> str:
        """Return the table of checksums; without CONFIG_MODVERSIONS they are all zero, and there is none."""
        rows = [line.split("\t") for line in self._symvers.read_text().splitlines()]
        checksums = {row[1]: row[0] for row in rows if int(row[0], 16)}
        if not checksums:
            return ""
        names = ["module_layout", *(name for path in objects for name in _undefined(path))]
        return _VERSIONS.format("".join(f'\t{{{checksums[name]}, "{name}"}},\n' for name in names if name in checksums))

    def _zig(self, *arguments: str) -> None:
        command = [sys.executable, "-m", "ziglang", *arguments]
        done = subprocess.run(command, env=self._env, capture_output=True, text=True, check=False)
        if done.returncode:
            raise ProgramError(f"building the kernel module failed:\n{' '.join(command)}\n{done.stderr}")


def _undefined(path: Path) -> list[str]:
    with path.open("rb") as file:
        symbols = ELFFile(file).get_section_by_name(".symtab")
        if not isinstance(symbols, SymbolTableSection):
            raise ProgramError(f"{path.name} has no symbols")
        return [symbol.name for symbol in symbols.iter_symbols() if symbol["st_shndx"] == "SHN_UNDEF" and symbol.name]
