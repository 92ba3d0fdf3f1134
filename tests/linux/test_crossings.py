# SPDX-License-Identifier: Apache-2.0
"""Invariants of a real KVM, on borders of its functions as the recorder writes them: each holds, and each can break."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from vctx.tb.linux.crossings import CLEAN, DIRTY, judge
from vctx.tb.linux.switches import LOAD, MOVES, PUT

SAVE, RESTORE = MOVES["guest save"], MOVES["guest restore"]
HOST_SAVE, HOST_RESTORE = MOVES["host save"], MOVES["host restore"]
CHANGE = "kvm_riscv_vcpu_set_reg_vector"
VLEN, CONTEXT = 256, 1024
HOST, GUEST, CHANGED, SAVED = [5, 1, 0, 0, 11], [8, 2, 3, 7, 22], [8, 2, 0, 1, 33], [256, 0xC3, 0, 1, 33]
BUFFERS = {"vCPU 0": 0x10000, "vCPU 1": 0x20000, "host": 0x30000}

Line = dict[str, Any]


def at(what: str, enter: bool, unit: list[int], who: str = "vCPU 0", **others: Any) -> Line:
    line = {"hart": 1, "enter": enter, "what": what, "who": who, "task": 1, "vs": 0, "unit": unit, "swaps": 0}
    return (
        line
        | {"swapped_vs": 0, "foreign": 0, "extensions": 1 << 21, "loads": [0, 0, 0, 0], "stores": [0, 0, 0, 0]}
        | others
    )


def move(owner: str, size: int = CONTEXT) -> list[int]:
    return [4, size, BUFFERS[owner], BUFFERS[owner] + size]


def visit(who: str, guest: list[int], left: list[int], vs: int) -> list[Line]:
    """Return what a vCPU does that is loaded with some state, entered, and put with another state and VS."""
    saved = vs == DIRTY
    return [
        at(LOAD, True, HOST, who),
        at(HOST_SAVE, True, HOST, who),
        at(HOST_SAVE, False, SAVED, who, stores=move("host")),
        at(RESTORE, True, SAVED, who),
        at(RESTORE, False, guest, who, loads=move(who)),
        at(LOAD, False, guest, who),
        at(PUT, True, left, who, swaps=2, swapped_vs=vs),
        at(SAVE, True, left, who),
        at(SAVE, False, SAVED if saved else left, who, **({"stores": move(who)} if saved else {})),
        at(HOST_RESTORE, True, SAVED, who),
        at(HOST_RESTORE, False, HOST, who, loads=move("host")),
        at(PUT, False, HOST, who),
    ]


GOOD = [
    {"mark": "part"},
    *visit("vCPU 0", GUEST, CHANGED, DIRTY),
    *visit("vCPU 0", CHANGED, CHANGED, CLEAN),
    at(CHANGE, True, HOST),
    at(CHANGE, False, HOST),
    *visit("vCPU 0", GUEST, GUEST, CLEAN),
    *visit("vCPU 1", GUEST, CHANGED, DIRTY),
]


def broken(lines: list[Line], folder: Path) -> dict[str, int]:
    """Return how often each invariant is broken, and see that what is broken is said."""
    file = folder / "crossings.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    ledger = judge(file, VLEN)
    assert {violation.invariant for violation in ledger.violations} == ledger.broken.keys()
    return dict(ledger.broken)


def test_a_good_kernel_breaks_nothing(tmp_path: Path) -> None:
    file = tmp_path / "crossings.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in GOOD))
    ledger = judge(file, VLEN)
    assert not ledger.broken
    assert dict(ledger.checks) == {
        "one-owner": 4 + 6,  # each load, and each move of a guest
        "unit-left-off": 16,
        "no-traffic-in-loop": 4,
        "save-iff-dirty": 4 + 2,  # each put, and each save
        "save-is-whole": 6,
        "writes-in-context": 6,
        "moves-are-whole": 8,
        "datap-identity": 4,
        "guest-transparent": 1,  # behind a change by user space whatever comes is right
        "clean-is-equal": 2,
        "host-preserved": 4,
    }


@pytest.mark.parametrize(
    ("index", "change", "invariant"),
    [
        (11, {"unit": GUEST}, "host-preserved"),
        (11, {"unit": [*HOST[:2], 1, *HOST[3:]]}, "host-preserved"),
        (11, {"loads": move("host", CONTEXT - 32)}, "moves-are-whole"),
        (9, {"stores": [0, 0, 0, 0]}, "save-iff-dirty"),
        (9, {"stores": move("vCPU 0", CONTEXT // 2)}, "save-is-whole"),
        (9, {"stores": move("vCPU 0", CONTEXT + 8)}, "writes-in-context"),
        (9, {"stores": move("vCPU 1")}, "datap-identity"),
        (9, {"vs": 1}, "unit-left-off"),
        (7, {"loads": [1, 32, 0, 32]}, "no-traffic-in-loop"),
        (17, {"unit": GUEST}, "guest-transparent"),
        (17, {"unit": SAVED, "loads": [0, 0, 0, 0]}, "guest-transparent"),  # not restored at all
        (20, {"unit": GUEST}, "clean-is-equal"),
        (21, {"stores": move("vCPU 0")}, "save-iff-dirty"),
        (47, {"stores": move("vCPU 0")}, "one-owner"),
    ],
)
def test_each_can_break(index: int, change: Line, invariant: str, tmp_path: Path) -> None:
    lines = [dict(line) for line in GOOD]
    lines[index] |= change
    assert invariant in broken(lines, tmp_path)


def test_vector_code_of_the_kernels_own_is_told_apart(tmp_path: Path) -> None:
    lines = [dict(line) for line in GOOD]
    lines[19] |= {"foreign": 3}
    lines[20] |= {"unit": GUEST}
    assert broken(lines, tmp_path) == {"kernel-vector": 1}


def test_a_vcpu_on_two_harts_has_two_owners(tmp_path: Path) -> None:
    again = [line | {"hart": 0} for line in visit("vCPU 0", GUEST, GUEST, CLEAN)[:6]]
    assert broken([*GOOD[:7], *again], tmp_path) == {"one-owner": 1}


def test_a_guest_without_v_is_to_be_off(tmp_path: Path) -> None:
    lines = [line | {"extensions": 0} for line in visit("vCPU 0", GUEST, HOST, DIRTY)]
    lines[8] |= {"stores": [0, 0, 0, 0]}  # nobody saves it
    assert broken(lines, tmp_path) == {"novec-guest-off": 1}


def test_what_is_not_entered_is_not_to_be_saved(tmp_path: Path) -> None:
    lines = visit("vCPU 0", GUEST, CHANGED, DIRTY)
    lines[6] |= {"swaps": 0}
    assert broken(lines, tmp_path) == {"load-put-idle": 1}
