# SPDX-License-Identifier: Apache-2.0
"""Logs of RVFI and of RVVI, as text: one line an instruction, `rvfi` or `rvvi` and then `key=value`, numbers in hex.

    rvfi order=1f hart=0 pc=80000004 insn=00000013 trap=0 intr=0 mode=3 rd=5:80000000 mem=80001000:ff:2a:w
    rvvi order=1f hart=0 pc=80000004 insn=00000013 mode=1 virt=1 x5=80000000 v8=...0201 c300=a00000600

Every key but pc is optional. `rd` has register and value, `mem` address, byte mask, data, and r or w; x, f, v and c are
registers by number (CSRs in hex). `cause` and `tval` go with `trap=1`; `intr=1` marks the first instruction of a
handler. examples/rvfi_text.sv writes them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from vctx.pymodel.corelog.event import Access, Event
from vctx.pymodel.errors import UsageError

_IGNORED = frozenset({"order", "cycle", "halt", "next"})


class KeyedText:
    """See the module; `name` is the word that lines begin with."""

    def __init__(self, name: str) -> None:
        self.name = name

    def recognises(self, lines: list[str]) -> bool:
        """See `Reader`."""
        return any(line.startswith(self.name + " ") for line in lines)

    def events(self, lines: Iterable[str], hart: int, path: Path) -> Iterator[Event]:
        """See `Reader`."""
        begin = self.name + " "
        for number, line in enumerate(lines, 1):
            if not line.startswith(begin):
                continue
            try:
                event = _event(number, line, hart)
            except (ValueError, KeyError):
                raise UsageError(f"{path}: line {number} cannot be read: {line.strip()[:120]}") from None
            if event is not None:
                yield event


def _event(number: int, line: str, hart: int) -> Event | None:
    keys = dict(part.split("=", 1) for part in line.split()[1:])
    if int(keys.pop("hart", "0"), 16) != hart:
        return None
    event = Event(number, int(keys.pop("pc"), 16))
    x: list[tuple[int, int]] = []
    f: list[tuple[int, int]] = []
    v: list[tuple[int, int]] = []
    csrs: list[tuple[int, int]] = []
    mem: list[Access] = []
    for key, text in keys.items():
        match key:
            case "insn":
                event.insn = int(text, 16)
                if event.insn & 3 != 3:
                    event.insn &= 0xFFFF
            case "mode":
                event.prv = int(text, 16)
            case "virt":
                event.virt = bool(int(text, 16))
            case "trap":
                event.trap = bool(int(text, 16))
            case "intr":
                event.enters = bool(int(text, 16))
            case "cause":
                event.cause = int(text, 16)
            case "tval":
                event.tval = int(text, 16)
            case "rd":
                register, value = text.split(":")
                if int(register, 16):
                    x.append((int(register, 16), int(value, 16)))
            case "mem":
                mem += _accesses(text)
            case _ if key in _IGNORED:
                pass
            case _:
                where = {"x": x, "f": f, "v": v, "c": csrs}[key[0]]
                where.append((int(key[1:], 16 if key[0] == "c" else 10), int(text, 16)))
    if event.cause is not None and event.cause >> 63:
        event.interrupt, event.cause = True, event.cause & (1 << 63) - 1
    event.x, event.f, event.v, event.csrs, event.mem = x, f, v, csrs, mem
    return event


def _accesses(text: str) -> Iterator[Access]:
    """Yield the access of address:mask:data:r or w; the mask's lowest bit belongs to the address."""
    address, mask, data, kind = text.split(":")
    bytes_of = int(mask, 16)
    if not bytes_of:
        return
    shift = (bytes_of & -bytes_of).bit_length() - 1
    size = (bytes_of >> shift).bit_length()
    if kind == "r":
        yield Access(int(address, 16) + shift)
    else:
        yield Access(int(address, 16) + shift, int(data, 16) >> 8 * shift & (1 << 8 * size) - 1, size)
