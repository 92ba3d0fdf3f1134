# SPDX-License-Identifier: Apache-2.0
"""The golden hart's commit log is Spike's, line for line, and is written in Spike's format."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from run_programs import every_csr, first_difference, golden, link, random_words, spike
from spike_filter import filter_log

from vctx.pymodel.isa.commit import CSR_NAMES, CommitReporter
from vctx.pymodel.programs import PROGRAMS, build
from vctx.pymodel.trace.commit_log import CommitLog
from vctx.pymodel.trace.records import Commit

BARE = [name for name in PROGRAMS if name.startswith("bare-")]
TOHOST = 0x8000_1000

# Lines of Spike's own log, at VLEN 128.
LINES = {
    "core   0: 3 0x0000000080000000 (0x00000297) x5  0x0000000080000000": Commit(
        0, 0x8000_0000, 3, 0x297, 4, x=(5, 0x8000_0000)
    ),
    "core   0: 3 0x0000000080000056 (0x0001)": Commit(0, 0x8000_0056, 3, 1, 2),
    "core   0: 1 0x0000000080000094 (0x14029073) c576_vsscratch 0x0000000000000005": Commit(
        0, 0x8000_0094, 1, 0x14029073, 4, csrs={0x240: 5}
    ),
    "core   0: 3 0x0000000080000048 (0x00752e2f) x28 0x0000000003030306 mem 0x0000000080002000 "
    "mem 0x0000000080002000 0x03030326": Commit(
        0,
        0x8000_0048,
        3,
        0x752E2F,
        4,
        x=(28, 0x3030306),
        loads=[0x8000_2000],
        stores=[(0x8000_2000, 4, 0x3030326)],
    ),
    "core   0: 3 0x0000000080000020 (0x02056107) e8 mf2 l2 v1  0x00000000000000000000000000000201 "
    "c8_vstart 0x0000000000000000 v9  0x00000000000000000000000000000003 mem 0x0000000080002000": Commit(
        0,
        0x8000_0020,
        3,
        0x2056107,
        4,
        vector=(8, "mf2", 2),
        vregs={9: bytes([3]) + bytes(15), 1: bytes([1, 2]) + bytes(14)},
        csrs={8: 0},
        loads=[0x8000_2000],
    ),
    "core   0: 0 0x0000000080000064 (0x01e51323) mem 0x0000000080002006 0x0003": Commit(
        0, 0x8000_0064, 0, 0x1E51323, 4, stores=[(0x8000_2006, 2, 3)]
    ),
}


@pytest.mark.parametrize("line", LINES)
def test_format_of_a_commit(line: str) -> None:
    file = io.StringIO()
    CommitLog(file, CSR_NAMES).commit(LINES[line])
    assert file.getvalue() == line + "\n"


@pytest.mark.parametrize(
    ("cause", "lines"),
    [
        (
            2,
            "core   0: exception trap_illegal_instruction, epc 0x0000000080000058\n"
            "core   0:           tval 0x00000000c2029073\n",
        ),
        (10, "core   0: exception trap_virtual_supervisor_ecall, epc 0x0000000080000058\n"),
        (1 << 63 | 7, "core   0: exception interrupt #7, epc 0x0000000080000058\n"),
    ],
)
def test_format_of_a_trap(cause: int, lines: str) -> None:
    file = io.StringIO()
    CommitLog(file, CSR_NAMES).trap(0, 0x8000_0058, cause, 0xC202_9073)
    assert file.getvalue() == lines


@pytest.mark.parametrize("vlen", [128, 512])
@pytest.mark.parametrize("name", BARE)
def test_programs(name: str, vlen: int, tmp_path: Path) -> None:
    exit_code, expected = spike(build(name), vlen, tmp_path)
    ended, log = golden(build(name), vlen)
    assert (ended.exit_code, exit_code) == (0, 0)
    assert len(log) > 4000
    assert first_difference(expected, log) is None


def test_every_csr(tmp_path: Path) -> None:
    elf = link(every_csr(), tmp_path)
    _, expected = spike(elf, 256, tmp_path)
    _, log = golden(elf, 256)
    assert first_difference(expected, log) is None


@pytest.mark.parametrize(("seed", "vlen"), [(1, 128), (2, 256), (3, 1024), (4, 4096)])
def test_random_instructions(seed: int, vlen: int, tmp_path: Path) -> None:
    elf = link(random_words(seed, 600), tmp_path)
    _, expected = spike(elf, vlen, tmp_path)
    _, log = golden(elf, vlen)
    assert len(log) > 600
    assert first_difference(expected, log) is None


def test_reservations_end_with_spikes_batches(tmp_path: Path) -> None:
    loop = "\tlla a1, data\n\tli a2, 4000\n1:\tlr.w a0, (a1)\n\tsc.w a0, a2, (a1)\n\taddi a2, a2, -1\n\tbnez a2, 1b\n"
    elf = link(f"{loop}\tli a0, 0\n\tret\n\t.data\n\t.balign 8\ndata:\t.dword 0", tmp_path)
    _, expected = spike(elf, 128, tmp_path)
    _, log = golden(elf, 128)
    assert any(" x10 0x0000000000000001" in line for line in log)  # a store that failed
    assert first_difference(expected, log) is None


def test_one_changed_digit_differs(tmp_path: Path) -> None:
    _, expected = spike(build("bare-modes"), 128, tmp_path)
    _, log = golden(build("bare-modes"), 128)
    at = next(index for index, line in enumerate(log) if " mem " in line)
    log[at] = log[at][:-2] + ("1" if log[at][-2] != "1" else "2") + "\n"
    assert first_difference(expected, log) == (expected[at], log[at])
    assert first_difference(expected, log[:at]) == (expected[at], "end")


# What the reporter must not get wrong: each change of it shows in the log of bare-modes.
BROKEN = {
    "dirtying": "_dirtied",
    "memory of vector instructions": "_active",
    "vset*": "_vset",
    "atomics": "_amo",
    "status of xret": "_system",
}


@pytest.mark.parametrize("rule", BROKEN)
def test_a_broken_reporter_differs(rule: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = BROKEN[rule]
    original = getattr(CommitReporter, broken)
    nothing = (lambda *arguments: iter(())) if broken == "_active" else (lambda *arguments: None)
    monkeypatch.setattr(CommitReporter, broken, nothing)
    effects = {kind: nothing if fn is original else fn for kind, fn in CommitReporter._EFFECTS.items()}
    monkeypatch.setattr(CommitReporter, "_EFFECTS", effects)
    _, expected = spike(build("bare-modes"), 128, tmp_path)
    _, log = golden(build("bare-modes"), 128)
    assert first_difference(expected, log) is not None


def test_filter_keeps_commits_and_traps_up_to_the_end() -> None:
    rest = "core   0: 3 0x0000000080000006 (0x00533023) mem 0x{:016x} 0x{}\n"
    kept = [
        "core   0: 3 0x0000000080000000 (0x4285) x5  0x0000000000000001\n",
        "core   0: exception trap_illegal_instruction, epc 0x0000000080000002\n",
        "core   0:           tval 0x0000000000000000\n",
        rest.format(TOHOST + 8, "00000001"),
        rest.format(TOHOST, "0000000000000000"),
        rest.format(TOHOST, "00000007"),
    ]
    dropped = [
        "core   0: 0x0000000080000000 (0x00004285) c.li    t0, 1\n",
        "core   0: >>>>  _start\n",
        "core   0: Executed 2 times\n",
    ]
    boot = "core   0: 3 0x0000000000001000 (0x00000297) x5  0x0000000000001000\n"
    behind = "core   0: 3 0x000000008000000a (0xa001)\n"
    log = [boot, *(line for pair in zip(dropped * 2, kept, strict=True) for line in pair), behind]
    assert list(filter_log(log, TOHOST)) == kept
