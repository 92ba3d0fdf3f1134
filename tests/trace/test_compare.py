# SPDX-License-Identifier: Apache-2.0
"""The comparator names each field that differs, and nothing else."""

from __future__ import annotations

import pytest

from vctx.pymodel.trace import Retire, Trap, differences

BASE = Retire(rd=5, vl=8, vtype=0xC3, vregs={1: bytes(16), 2: bytes(range(16))}, mem={0x1000: 1, 0x1001: 2})


def test_equal_records_do_not_differ() -> None:
    assert differences(BASE, BASE._replace(vregs=dict(BASE.vregs), mem=dict(BASE.mem))) == []


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"trap": Trap(2, 0x57)}, "trap"),
        ({"irq": True}, "irq"),
        ({"rd": None}, "rd"),
        ({"rd": 4}, "rd"),
        ({"vl": 9}, "vl"),
        ({"vtype": 1 << 63}, "vtype"),
        ({"vstart": 1}, "vstart"),
        ({"vcsr": 1}, "vcsr"),
        ({"mstatus_vs": 3}, "mstatus_vs"),
        ({"vsstatus_vs": 3}, "vsstatus_vs"),
        ({"vregs": {1: bytes(16)}}, "v2"),
        ({"vregs": {**BASE.vregs, 3: bytes(16)}}, "v3"),
        ({"vregs": {1: bytes(15) + b"\x01", 2: bytes(range(16))}}, "v1"),
        ({"mem": {0x1000: 1}}, "mem[0x1001]"),
        ({"mem": {0x1000: 1, 0x1001: 3}}, "mem[0x1001]"),
    ],
)
def test_each_field_is_named(change: dict[str, object], field: str) -> None:
    found = differences(BASE, BASE._replace(**change))
    assert [d.field for d in found] == [field]
    assert found[0].expected != found[0].observed
