# SPDX-License-Identifier: Apache-2.0
"""Logs in Spike's text format, with every field optional.

    core   0: 3 0x0000000080000000 (0x00000297) x5  0x... v8  0x... c768_mstatus 0x... mem 0x... 0x...
    core   0: exception trap_illegal_instruction, epc 0x0000000080000004
    core   0:           tval 0x00000000c2029073
    core   0: exception interrupt #7, epc 0x0000000080000008

A line without privilege is the disassembly that `spike -l` adds if others have it, and an instruction if none has.
Other lines are skipped. What is before the closing parenthesis comes again and again, so it is taken apart only once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from pathlib import Path

from vctx.pymodel.corelog.event import Access, Event
from vctx.pymodel.errors import UsageError
from vctx.pymodel.trace.commit_log import EXCEPTIONS

_HEAD = re.compile(r"core +(\d+): (?:([0-3]) )?0x([0-9a-f]{1,16})(?: \((?:0x)?([0-9a-f]{1,8})\))?(?= |\)|$)")
_TRAP = re.compile(r"core +(\d+): exception (?:trap_(\w+)|interrupt #(\d+)), epc 0x([0-9a-f]+)")
_TVAL = re.compile(r"core +(\d+): +tval 0x([0-9a-f]+)")
_CAUSES = {name: cause for cause, name in EXCEPTIONS.items()}
_KEPT = 1 << 17  # heads taken apart: enough for programs whose code is executed again, few enough for long ones
_SNIFFED = 20_000  # lines in which to look whether instructions have their privilege
_NUMBERS = {f"{letter}{n}": n for letter in "xfv" for n in range(32)}
_Head = tuple[int, int | None, int | None] | None


class SpikeText:
    """See the module."""

    name = "spike"

    def recognises(self, lines: list[str]) -> bool:
        """See `Reader`."""
        return any(_HEAD.match(line) or _TRAP.match(line) for line in lines)

    def events(self, lines: Iterable[str], hart: int, path: Path) -> Iterator[Event]:
        """See `Reader`."""
        lines = iter(lines)
        first = list(islice(lines, _SNIFFED))
        with_privilege = any(match and match[2] for match in map(_HEAD.match, first))
        heads: dict[str, _Head] = {}
        trap: Event | None = None
        for number, line in enumerate(chain(first, lines), 1):
            head, closed, rest = line.partition(")")
            try:
                known = heads[head]
            except KeyError:
                if trap is not None and (tval := _TVAL.match(line)):
                    trap.tval = int(tval[2], 16)
                    continue
                found = _TRAP.match(line)
                if found is not None:
                    if trap is not None:
                        yield trap
                    trap = _trap(number, found, path) if int(found[1]) == hart else None
                    continue
                known, rest = _head(line, closed, rest, hart, with_privilege)
                if closed:
                    if len(heads) == _KEPT:
                        heads.clear()
                    heads[head] = known
            if known is None:
                continue
            if trap is not None:
                yield trap
                trap = None
            event = Event(number, *known)
            tokens = rest.split()
            if tokens:
                try:
                    if len(tokens) == 2 and tokens[0][0] == "x":
                        event.x = ((_NUMBERS[tokens[0]], int(tokens[1], 16)),)
                    else:
                        _fields(event, tokens)
                except (ValueError, KeyError, IndexError):
                    raise UsageError(f"{path}: line {number} cannot be read: {line.strip()[:120]}") from None
            yield event
        if trap is not None:
            yield trap


def _head(line: str, closed: str, rest: str, hart: int, with_privilege: bool) -> tuple[_Head, str]:
    """Return (pc, word, privilege) of an instruction, and what follows; None for a line that is to be skipped."""
    found = _HEAD.match(line)
    if found is None or int(found[1]) != hart or (with_privilege and not found[2]):
        return None, rest
    if found[4] is None:
        rest = line[found.end() :]
    return (int(found[3], 16), int(found[4], 16) if found[4] else None, int(found[2]) if found[2] else None), rest


def _trap(number: int, found: re.Match[str], path: Path) -> Event:
    event = Event(number, int(found[4], 16))
    event.trap = True
    event.interrupt = bool(found[3])
    name = found[3] or found[2]
    if name.isdigit():
        event.cause = int(name)
    elif name in _CAUSES:
        event.cause = _CAUSES[name]
    else:
        raise UsageError(f"{path}: line {number}: no exception is called trap_{name}")
    return event


def _fields(event: Event, tokens: list[str]) -> None:
    """Take apart what an instruction did."""
    x, f, v, csrs, mem = [], [], [], [], []
    i, last = 0, len(tokens)
    while i < last:
        token = tokens[i]
        kind = token[0]
        if kind == "m":
            if token == "mem":
                address = int(tokens[i + 1], 16)
                value = tokens[i + 2] if i + 2 < last else ""
                if value[:2] == "0x":
                    mem.append(Access(address, int(value, 16), len(value) - 2 >> 1))
                    i += 3
                else:
                    mem.append(Access(address))
                    i += 2
            else:
                i += 1  # LMUL, as in `e8 m1 l16`
            continue
        if kind == "c" and "_" in token:
            csrs.append((int(token[1 : token.index("_")]), int(tokens[i + 1], 16)))
        elif kind == "v":
            v.append((_NUMBERS[token], int(tokens[i + 1], 16)))
        elif kind == "x":
            x.append((_NUMBERS[token], int(tokens[i + 1], 16)))
        elif kind == "f":
            f.append((_NUMBERS[token], int(tokens[i + 1], 16)))
        elif kind in "el" and token[1:].isdigit():
            i -= 1
        else:
            raise ValueError(token)
        i += 2
    event.x, event.f, event.v, event.csrs, event.mem = x, f, v, csrs, mem
