# SPDX-License-Identifier: Apache-2.0
"""Logs for the tests of `vctx check-log`: Spike's, made once, and what faults can be put into them."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

from vctx.pymodel.corelog.check import Checker
from vctx.pymodel.corelog.findings import Report
from vctx.pymodel.corelog.readers import read_events
from vctx.pymodel.profiles import profile_of
from vctx.pymodel.programs import build, read_elf
from vctx.tb.spike.log import run_spike

_COMMIT = re.compile(r"core +\d+: [0-3] 0x0000000080")


@cache
def spike_log(program: str, vlen: int) -> tuple[Path, tuple[str, ...]]:
    """Return a program of sw/bare and the lines of Spike's log of it, up to its end."""
    elf = build(program)
    log = Path(mkdtemp()) / "spike.log"
    run_spike(elf, vlen, log)
    lines = log.read_text().splitlines(keepends=True)
    log.unlink()
    tohost = read_elf(elf.name, elf).symbols["tohost"]
    end = next(at for at, line in enumerate(lines) if f" mem 0x{tohost:016x} 0x" in line and _COMMIT.match(line))
    return elf, tuple(lines[: end + 1])


def check(elf: Path, lines: Iterable[str], folder: Path, *, profile: str = "spike", vlen: int = 128) -> Report:
    """Check a log, given by its lines."""
    log = folder / "core.log"
    log.write_text("".join(lines))
    return Checker(read_elf(elf.name, elf), profile_of(profile).with_vlen(vlen), log).run(read_events(log))


def _flip(rng: random.Random, digits: str) -> str:
    width = 4 * len(digits)
    return f"{int(digits, 16) ^ 1 << rng.randrange(width):0{len(digits)}x}"


def _field(pattern: str) -> Callable[[random.Random, list[str]], bool]:
    """Return a fault: one bit of one value that the pattern's last group finds."""

    def fault(rng: random.Random, lines: list[str]) -> bool:
        found = [(at, match) for at, line in enumerate(lines) for match in re.finditer(pattern, line)]
        at, match = rng.choice(found)
        start, end = match.span(match.re.groups)
        lines[at] = lines[at][:start] + _flip(rng, lines[at][start:end]) + lines[at][end:]
        return True

    return fault


def _commits(lines: list[str]) -> list[int]:
    """Return where the instructions are, the first one excepted, where comparison begins."""
    return [at for at, line in enumerate(lines) if _COMMIT.match(line)][1:]


def _drop(rng: random.Random, lines: list[str]) -> bool:
    del lines[rng.choice(_commits(lines))]
    return True


def _duplicate(rng: random.Random, lines: list[str]) -> bool:
    at = rng.choice(_commits(lines)[:-1])
    lines.insert(at, lines[at])
    return True


def _swap(rng: random.Random, lines: list[str]) -> bool:
    commits = _commits(lines)
    number = rng.randrange(len(commits) - 1)
    one, other = commits[number], commits[number + 1]
    lines[one], lines[other] = lines[other], lines[one]
    return lines[one] != lines[other]


def _mode(rng: random.Random, lines: list[str]) -> bool:
    at = rng.choice(_commits(lines))
    line = lines[at]
    place = line.index(": ") + 2
    lines[at] = line[:place] + rng.choice([mode for mode in "013" if mode != line[place]]) + line[place + 1 :]
    return True


def _cause(rng: random.Random, lines: list[str]) -> bool:
    traps = [at for at, line in enumerate(lines) if "exception trap_" in line]
    at = rng.choice(traps)
    now = re.search(r"trap_(\w+)", lines[at])
    assert now is not None
    names = ("illegal_instruction", "virtual_instruction", "load_page_fault", "store_access_fault", "breakpoint")
    lines[at] = lines[at].replace(now[1], rng.choice([name for name in names if name != now[1]]))
    return True


def _drop_trap(rng: random.Random, lines: list[str]) -> bool:
    traps = [at for at, line in enumerate(lines) if "exception trap_" in line]
    at = rng.choice(traps)
    del lines[at]
    if " tval " in lines[at]:
        del lines[at]
    return True


FAULTS: dict[str, Callable[[random.Random, list[str]], bool]] = {
    "value of x": _field(r"core +0: \d 0x0000000080.* x\d+ +0x([0-9a-f]+)"),
    "value of a CSR": _field(r" c\d+_\w+ 0x([0-9a-f]+)"),
    "vector register": _field(r" v\d+ +0x([0-9a-f]+)"),
    "stored value": _field(r" mem 0x[0-9a-f]+ 0x([0-9a-f]+)"),
    "address": _field(r" mem 0x([0-9a-f]+)"),
    "pc": _field(r"core +0: \d 0x(0000000080[0-9a-f]+)"),
    "drop": _drop,
    "duplicate": _duplicate,
    "order": _swap,
    "mode": _mode,
    "cause": _cause,
    "tval": _field(r" tval 0x([0-9a-f]+)"),
    "dropped trap": _drop_trap,
}
"""What can be wrong with a log: each changes lines, and tells whether it changed anything."""
