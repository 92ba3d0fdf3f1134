# SPDX-License-Identifier: Apache-2.0
"""Spike's own log of a program, cut down to the lines that `vctx run --commit-log` writes, to compare the text.

`vctx check-log` compares values; these tests compare the text itself. `spike -l --log-commits` writes, besides, the
disassembly of every instruction, symbols, repetition counts, and the boot ROM, and goes on behind the program's end.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from vctx.pymodel.programs import read_elf
from vctx.pymodel.scenarios.bare_metal import tohost_address

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


def filter_file(log: Path, program: Path) -> list[str]:
    """Return what :func:`filter_log` keeps of Spike's log of an ELF program."""
    with log.open(encoding="ascii") as file:
        return list(filter_log(file, tohost_address(read_elf(program.name, program))))
