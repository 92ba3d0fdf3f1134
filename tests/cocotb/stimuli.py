# SPDX-License-Identifier: Apache-2.0
"""What the tests here share: where they work, how long they may take, and small pieces of stimulus."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Final, TypedDict

from vctx.pymodel.trace import PAGE_SIZE
from vctx.tb.agents import RAM_BASE, Bench

BASE: Final = RAM_BASE  # where data lies
OUT: Final = RAM_BASE + 8 * PAGE_SIZE  # where results go
EDGE: Final = RAM_BASE + 4 * PAGE_SIZE  # a page boundary
ILLEGAL, VIRTUAL = 2, 22  # causes
MODES: Final = ("M", "HS", "U", "VS", "VU")
GUEST: Final = ("VS", "VU")
HOST: Final = ("M", "HS", "U")
EEWS: Final = (8, 16, 32, 64)
LMULS: Final = {"mf8": 1 / 8, "mf4": 1 / 4, "mf2": 1 / 2, "m1": 1, "m2": 2, "m4": 4, "m8": 8}


class _Limit(TypedDict):
    timeout_time: float
    timeout_unit: str


# Of simulated time: 200,000 cycles, and 10,000,000 for programs and contexts of 4096-bit registers on a narrow bus.
LIMIT: Final[_Limit] = {"timeout_time": 2, "timeout_unit": "ms"}
LONG: Final[_Limit] = {"timeout_time": 100, "timeout_unit": "ms"}


def cause(retire: object) -> int | None:
    """Return the exception that an instruction raised."""
    trap = getattr(retire, "trap")  # noqa: B009
    return None if trap is None else int(trap.cause)


def fill(bench: Bench, addr: int = BASE, size: int = 2 * PAGE_SIZE) -> None:
    """Write random bytes."""
    bench.write(addr, random.randbytes(size))


def mask(bench: Bench, bits: int | None = None) -> None:
    """Load v0 with a mask, a random one by default."""
    value = random.getrandbits(bench.vlen) if bits is None else bits
    bench.write(OUT, value.to_bytes(bench.vlenb, "little"))
    bench.do("vl1re8.v", vd=0, rs1=OUT)


def vtypes() -> Iterator[tuple[int, str]]:
    """Return every SEW and LMUL that there is (A-12)."""
    for sew in EEWS:
        for lmul, factor in LMULS.items():
            if sew <= 64 * factor:
                yield sew, lmul
