# SPDX-License-Identifier: Apache-2.0
"""One run of Linux under QEMU, from power-on to power-off."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from vctx.pymodel.errors import ToolError
from vctx.tb.linux.debian import LinuxKernel
from vctx.tb.linux.needs import FIRMWARE, QEMU

_CPUS = 2
_MEMORY_MIB = 512
_LOWER_CASE_SINCE = 9  # the major version of QEMU whose names of extensions are
_TAIL = 15  # lines of the console that an error shows
# Patience, some thirty times what it takes: until the first line of the trace, and for all of it.
_START_S, _RUN_S, _STEP_S = 90, 240, 0.05
# Rarely, in about 1 of 100 boots, the emulated machine stops before init starts. Nothing was asked of KVM by then.
_ATTEMPTS = 3


@dataclass(frozen=True)
class Machine:
    """What is booted.

    Attributes:
        vlen: register width in bits; None for harts without V.
        seed, steps: of the random walk.
        zve: harts without V have Zve64f.
        qemu: the emulator, a command or a path.
    """

    vlen: int | None
    seed: int
    steps: int
    zve: bool = False
    qemu: str = QEMU


def qemu_version(qemu: str = QEMU) -> str:
    """Return the version of an emulator; ToolError if it cannot be started."""
    try:
        done = subprocess.run([qemu, "--version"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise ToolError(f"cannot start {qemu}: {error}") from error
    found = re.search(r"version (\S+)", done.stdout)
    return found[1] if found else done.stdout.strip()


def boot(machine: Machine, kernel: LinuxKernel, initrd: Path, folder: Path) -> Path:
    """Boot, let the init program do its work, and return its trace; boot again if it does not even start.

    Args:
        machine: what is booted.
        kernel, initrd: with what.
        folder: where trace.jsonl, console.log and qemu.log go.

    Raises:
        ToolError: it did not come to its end; the message has the end of the console.
    """
    trace, console, log = (folder / name for name in ("trace.jsonl", "console.log", "qemu.log"))
    command = _command(machine, kernel, initrd, trace, console)
    with log.open("wb") as output:
        for _ in range(_ATTEMPTS):
            for old in (trace, console):
                old.unlink(missing_ok=True)
            why = _run(command, trace, output, _RUN_S + _STEP_S * machine.steps)
            if why is not None:
                break
        else:
            why = f"{_ATTEMPTS} times it told nothing within {_START_S} s"
    if not _ended(trace):
        said = [line for file in (log, console) if file.exists() for line in _tail(file)]
        raise ToolError("\n  ".join([f"Linux did not come to its end under QEMU: {why}; {console} ends with", *said]))
    return trace


def _run(command: list[str], trace: Path, output: IO[bytes], patience: float) -> str | None:
    """Run QEMU and return how it ended; None if no line of the trace came in time."""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)
    try:
        try:
            code = process.wait(_START_S)
        except subprocess.TimeoutExpired:
            if not (trace.exists() and trace.stat().st_size):
                return None
            code = process.wait(patience)
    except subprocess.TimeoutExpired:
        return f"it ran for more than {patience:.0f} s"
    finally:
        process.kill()
        process.wait()
    return f"QEMU ended with {code}" if code else "it powered off early"


def _command(machine: Machine, kernel: LinuxKernel, initrd: Path, trace: Path, console: Path) -> list[str]:
    # One CPU is left to the init program: what preempts a guest behind a CSR write makes the emulator lose it. The
    # allocator does not zero memory unasked, so that what the kernel forgets to zero shows (S9).
    parameters = f"console=ttyS0 quiet panic=-1 isolcpus=1 init_on_alloc=0 seed={machine.seed} steps={machine.steps}"
    return [
        *(machine.qemu, "-M", "virt", "-cpu", _cpu(machine), "-smp", str(_CPUS), "-m", str(_MEMORY_MIB)),
        *("-nodefaults", "-display", "none", "-monitor", "none", "-no-reboot"),
        *("-chardev", f"file,id=console,path={console}", "-serial", "chardev:console"),
        *("-device", "virtio-serial-pci", "-chardev", f"file,id=trace,path={trace}"),
        *("-device", "virtserialport,chardev=trace,name=trace"),
        *("-bios", str(FIRMWARE), "-kernel", str(kernel.vmlinux), "-initrd", str(initrd), "-append", parameters),
    ]


def _cpu(machine: Machine) -> str:
    if machine.vlen is not None:
        return f"rv64,h=true,v=true,vlen={machine.vlen}"
    if not machine.zve:
        return "rv64,h=true"
    major = re.match(r"\d+", qemu_version(machine.qemu))
    return "rv64,h=true," + ("zve64f=true" if major and int(major[0]) >= _LOWER_CASE_SINCE else "Zve64f=true")


def _ended(trace: Path) -> bool:
    lines = trace.read_text(errors="replace").splitlines() if trace.exists() else []
    return bool(lines) and '"t":"end"' in lines[-1] and lines[-1].endswith("}")


def _tail(file: Path) -> list[str]:
    return file.read_text(errors="replace").splitlines()[-_TAIL:]
