# SPDX-License-Identifier: Apache-2.0
"""The comparator: the one place where two records of the same instruction are held against each other."""

from __future__ import annotations

from dataclasses import dataclass

from vctx.pymodel.trace.records import Retire

_SCALAR_FIELDS = tuple(name for name in Retire._fields if name not in ("vregs", "mem"))


@dataclass(slots=True, frozen=True)
class Difference:
    """One field in which two records differ; `expected` and `observed` are ready to print."""

    field: str
    expected: str
    observed: str


def _show(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return f"{value:#x}"
    if isinstance(value, bytes):
        return value[::-1].hex()
    return str(value)


def differences(expected: Retire, observed: Retire) -> list[Difference]:
    """Return every field in which `observed` departs from `expected`, in a fixed order; empty when they agree.

    Vector registers are named v0..v31 and shown with the most significant byte first; memory is named by address,
    one entry a byte.

    >>> from vctx.pymodel.trace import Retire
    >>> for found in differences(Retire(vl=4, vregs={8: bytes(16)}), Retire(vl=5)):
    ...     print(found.field, found.expected, found.observed)
    vl 0x4 0x5
    v8 00000000000000000000000000000000 not written
    """
    out = []
    for name in _SCALAR_FIELDS:
        want, got = getattr(expected, name), getattr(observed, name)
        if want != got:
            out.append(Difference(name, _show(want), _show(got)))
    for reg in sorted(expected.vregs.keys() | observed.vregs.keys()):
        want_v, got_v = expected.vregs.get(reg), observed.vregs.get(reg)
        if want_v != got_v:
            out.append(Difference(f"v{reg}", _written(want_v), _written(got_v)))
    for addr in sorted(expected.mem.keys() | observed.mem.keys()):
        want_b, got_b = expected.mem.get(addr), observed.mem.get(addr)
        if want_b != got_b:
            out.append(Difference(f"mem[{addr:#x}]", _written(want_b), _written(got_b)))
    return out


def _written(value: int | bytes | None) -> str:
    return "not written" if value is None else _show(value)
