# SPDX-License-Identifier: Apache-2.0
"""The init program of sw/linux_kvm, and the initial RAM disk that holds it and the module."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from vctx.pymodel.places import SW
from vctx.pymodel.programs import Image, ProgramError, load
from vctx.pymodel.scenarios.guest_driver import PROGRAM
from vctx.tb.linux.cpio import archive
from vctx.tb.linux.debian import LinuxKernel

SOURCES = SW / "linux_kvm"
_HEADERS = (SW / "guests" / "driver.h", SW / "move_all.h")  # that they include

_FLAGS = (
    *("-target", "riscv64-linux-musl", "-static", "-s", "-O2", "-std=gnu17", "-D_GNU_SOURCE"),
    *("-Wall", "-Wextra", "-Werror"),
)


def build_init(cache: Path) -> Path:
    """Compile the init program with the driver guest inside, unless that is done already, and return it.

    Args:
        cache: folder for it and for the compiler's own cache, which holds the C library.

    Raises:
        ProgramError: compiler error.
    """
    guest = load(PROGRAM)
    contents = _contents(guest)
    files = sorted((*SOURCES.iterdir(), *_HEADERS))
    state = hashlib.sha256(repr((_FLAGS, guest.base, guest.symbols)).encode() + contents)
    for path in files:
        state.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    program = cache / f"init-{state.hexdigest()[:12]}"
    if program.exists():
        return program
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as scratch:
        image = Path(scratch) / "guest.bin"
        image.write_bytes(contents)
        built = Path(scratch) / "init"
        _compile(guest, image, built, cache / "zig")
        built.replace(program)
    return program


def _contents(guest: Image) -> bytes:
    """Return the guest as it lies in memory, from its base to its end."""
    if guest.entry != guest.base:
        raise ProgramError(f"{guest.name} must start at its lowest address, where the init program lets it start")
    memory = bytearray(guest.end - guest.base)
    for address, data in guest.segments:
        memory[address - guest.base : address - guest.base + len(data)] = data
    return bytes(memory)


def _compile(guest: Image, image: Path, output: Path, cache: Path) -> None:
    defines = {
        "GUEST_BASE": f"{guest.base:#x}",
        "GUEST_HEAP": f"{guest.symbols['heap']:#x}",
        "GUEST_SLOT": f"{guest.symbols['driver_slot']:#x}",
        "GUEST_IMAGE": f'"{image}"',
    }
    command = [
        sys.executable,
        "-m",
        "ziglang",
        "cc",
        *_FLAGS,
        *(f"-D{name}={value}" for name, value in defines.items()),
    ]
    command += ["-o", str(output), *sorted(str(path) for path in SOURCES.iterdir() if path.suffix in (".c", ".S"))]
    caches = {"ZIG_GLOBAL_CACHE_DIR": str(cache), "ZIG_LOCAL_CACHE_DIR": str(cache)}
    done = subprocess.run(command, env=os.environ | caches, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ProgramError(f"building the init program failed:\n{' '.join(command)}\n{done.stderr}")


def initramfs(init: Path, kernel: LinuxKernel, module: Path | None, output: Path) -> None:
    """Write the initial RAM disk: /init, /kvm.ko, and /kvec.ko if there is that `module`."""
    files = {"init": init, "kvm.ko": kernel.module} | ({"kvec.ko": module} if module else {})
    output.write_bytes(archive({name: path.read_bytes() for name, path in files.items()}))
