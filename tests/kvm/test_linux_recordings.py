# SPDX-License-Identifier: Apache-2.0
"""Real Linux judges the golden hypervisor: every recording, line by line, and what would not pass."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from vctx.pymodel.errors import UsageError
from vctx.pymodel.isa import Latitude
from vctx.pymodel.kvm import LINUX_6_12, LINUX_7_2, LINUX_7_3, KernelVersion
from vctx.pymodel.scenarios.linux import Kind, read_rows, replay, session, summary
from vctx.pymodel.scenarios.linux.__main__ import main
from vctx.pymodel.scenarios.linux.part import CSR_ONLY, SEPC_LOST
from vctx.pymodel.scenarios.linux.replay import version_of
from vctx.pymodel.scenarios.linux.trace import Row

DATA = Path(__file__).parent / "data" / "linux-kvm"
WITH_V, WITHOUT_V = DATA / "linux-6.12-vlen256.jsonl", DATA / "linux-6.12-host-without-v.jsonl"
KERNEL_MODE = DATA / "linux-7.3-rc7-kernel-mode-vector.jsonl"
PREEMPTED, PREEMPTED_CLASSIC = (DATA / f"linux-7.3-rc7-preempted-section{scheme}.jsonl" for scheme in ("", "-classic"))
RESTORES_AT_LOAD = replace(LINUX_7_3, name="linux-7.3, restore at load", restore_at_load=True)


class Judgement(NamedTuple):
    """What becomes of a recording: the version it judges, its lines by verdict, and where those explained are."""

    version: KernelVersion
    matched: int
    bookkeeping: int
    explained: tuple[int, ...] = ()
    reason: str = CSR_ONLY


JUDGEMENTS = {
    WITH_V: Judgement(
        LINUX_6_12,
        1339,
        24,
        (
            *(883, 993, 1030, 1051, 1063, 1090, 1108, 1138, 1142, 1148, 1150, 1165),
            *(1193, 1207, 1217, 1237, 1271, 1307, 1329, 1339, 1351, 1353, 1375),
        ),
    ),
    WITHOUT_V: Judgement(LINUX_6_12, 15, 9),
    DATA / "linux-7.2-vlen256.jsonl": Judgement(
        LINUX_7_2,
        1545,
        3,
        (
            *(1088, 1198, 1232, 1237, 1253, 1259, 1306, 1309, 1344, 1363, 1376, 1381),
            *(1393, 1429, 1431, 1438, 1450, 1465, 1472, 1483, 1498, 1529, 1531, 1536),
        ),
    ),
    DATA / "linux-7.2-host-without-v.jsonl": Judgement(LINUX_7_2, 181, 3),
    DATA / "linux-7.3-rc7-vlen256.jsonl": Judgement(
        LINUX_7_3,
        1555,
        3,
        (
            *(1098, 1208, 1242, 1247, 1263, 1269, 1316, 1319, 1354, 1373, 1386, 1391),
            *(1403, 1439, 1441, 1448, 1460, 1475, 1482, 1493, 1508, 1539, 1541, 1546),
        ),
    ),
    # What the parts of docs/linux-kvm.md's table of choices show; module included.
    DATA / "linux-6.12-choices.jsonl": Judgement(LINUX_6_12, 55, 3),
    DATA / "linux-6.12-sepc-lost.jsonl": Judgement(LINUX_6_12, 21, 3, (7, 12, 14, 27), SEPC_LOST),
    DATA / "linux-7.2-choices.jsonl": Judgement(LINUX_7_2, 55, 3),
    DATA / "linux-7.2-zve-only.jsonl": Judgement(LINUX_7_2, 15, 3),
    KERNEL_MODE: Judgement(LINUX_7_3, 7, 3),
    PREEMPTED: Judgement(LINUX_7_3, 7, 3),
    # The same kernel with the restore back in vcpu_load.
    PREEMPTED_CLASSIC: Judgement(RESTORES_AT_LOAD, 7, 3),
}
# Every line that shows a choice of the recorder's emulator that is not Spike's.
CHOICES = {
    "wide_sew_vill": [
        *(*range(502, 507), *range(542, 552), *range(587, 597)),  # vsetvl e16,mf8; e32,mf8 and mf4; e64,mf4 and mf2
        *(810, 811),  # e64,mf2 set by user space, seen by the guest and after it dirtied it
    ],
    "vstart_alu_trap": [855, 856],  # vadd.vv from element 2 on
}


@cache
def recording(path: Path) -> tuple[Row, ...]:
    return tuple(read_rows(path))


def rows_of(path: Path, *parts: str) -> list[Row]:
    return [row for row in recording(path) if row["t"] in ("boot", "cfg") or row["ctx"] in parts]


@pytest.mark.parametrize("path", JUDGEMENTS, ids=lambda path: path.stem)
def test_no_line_differs(path: Path) -> None:
    due = JUDGEMENTS[path]
    verdicts = replay(list(recording(path)), due.version)
    assert [str(verdict) for verdict in verdicts if verdict.kind is Kind.DIFFERS] == []
    found = defaultdict(list)
    for verdict in verdicts:
        if verdict.explanation is not None:
            found[verdict.explanation.reason].append(verdict.line)
    assert found == ({due.reason: list(due.explained)} if due.explained else {})
    assert summary(verdicts) == {
        Kind.MATCHED: due.matched,
        Kind.EXPLAINED: len(due.explained),
        Kind.DIFFERS: 0,
        Kind.BOOKKEEPING: due.bookkeeping,
    }


def test_every_recording_is_judged() -> None:
    assert set(DATA.glob("*.jsonl")) == JUDGEMENTS.keys()


@pytest.mark.parametrize("path", sorted(JUDGEMENTS.keys() - {PREEMPTED_CLASSIC}), ids=lambda path: path.stem)
def test_a_recording_names_its_kernel(path: Path) -> None:
    assert version_of(session.Platform.of(list(recording(path)))) is JUDGEMENTS[path].version


def test_a_kernel_that_nothing_stands_for() -> None:
    rows = [dict(row) for row in recording(WITHOUT_V)]
    rows[0] |= {"release": "6.17.1-generic"}
    with pytest.raises(UsageError, match=r"stands for Linux 6\.17\.1-generic; there are linux-6\.12, linux-7\.2"):
        replay(rows)
    assert summary(replay(rows, LINUX_6_12))[Kind.DIFFERS] == 0


@pytest.mark.parametrize("setting", CHOICES)
def test_the_emulators_choices_are_needed(setting: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With Spike's choice instead exactly the lines that show it differ."""
    rows = list(recording(WITH_V))
    platform = session.Platform.of(rows)
    assert platform.latitude == session.EMULATOR
    changed = replace(platform.latitude, **{setting: getattr(Latitude(), setting)})
    monkeypatch.setattr(session.Platform, "of", lambda rows: replace(platform, latitude=changed))
    verdicts = replay(rows)
    assert [verdict.line for verdict in verdicts if verdict.kind is Kind.DIFFERS] == CHOICES[setting]


def test_deferred_restore_shows_user_space_and_guests_the_same() -> None:
    """Item 75: the recorded random walk cannot tell when the guest is restored."""
    verdicts = replay(rows_of(WITH_V, "random"), replace(LINUX_6_12, restore_at_load=False))
    assert summary(verdicts)[Kind.DIFFERS] == 0
    assert summary(replay(rows_of(WITH_V, "random"), LINUX_7_3))[Kind.DIFFERS] == 0


@pytest.mark.parametrize(
    ("part", "kind", "field", "value"),
    [
        ("onereg", "one_reg", "data", "ff" * 32),
        ("onereg", "one_reg", "err", 2),
        ("onereg", "reg", "idx", 7),
        ("onereg", "partial_fault", "after", "5a" * 32),
        ("guest", "onereg_state", "vl", "0x6"),
        ("guest", "vsetvl", "rd", 3),
        ("guest", "guest_dump", "vs_out", 2),
        ("guest", "exit_mmio", "len", 4),
        ("csr_only", "csr_only", "vcsr", "0x2"),
        ("hart_start", "hart_restart", "code_secondary", "DONE"),
        ("migrate", "copied", "bad", 0),
        ("watch_v_disabled", "watch", "regs_equal_host_process", 0),
        ("watch_v_enabled", "watch", "changed", 1),
        ("host", "host_syscall", "all_ones", 0),
    ],
)
def test_a_changed_recording_does_not_pass(part: str, kind: str, field: str, value: object) -> None:
    rows = [dict(row) for row in rows_of(WITH_V, part) if kind == "vsetvl" or row["t"] != "vsetvl"]
    at = next(n for n, row in enumerate(rows) if (row["ctx"], row["t"]) == (part, kind) and field in row)
    if kind == "one_reg" and field == "data":
        at = next(n for n, row in enumerate(rows) if row.get("op") == "get")
    rows[at][field] = value
    differing = [verdict.line for verdict in replay(rows) if verdict.kind is Kind.DIFFERS]
    assert differing[:1] == [at + 1]


# Kernel-mode vector code: what was recorded, and what other kernels would have shown.


def differing(path: Path, version: KernelVersion) -> dict[str, set[str]]:
    return {
        verdict.row["t"]: {difference.name for difference in verdict.differences}
        for verdict in replay(list(recording(path)), version)
        if verdict.kind is Kind.DIFFERS
    }


def test_a_kernel_that_restores_at_load_loses_the_guest_to_a_soft_timer() -> None:
    """S13, as seen when the restore is put back into vcpu_load: the guest has the kernel's whole state, vl 256."""
    found = replay(list(recording(KERNEL_MODE)), RESTORES_AT_LOAD)
    watch = {d.name: d.golden for v in found if v.row["t"] == "kvec_watch" for d in v.differences}
    assert watch["vl"] == 256 and watch["vtype"] == 0xC3 and watch["regs_bad"] == 32
    assert differing(PREEMPTED, RESTORES_AT_LOAD) == {}  # no soft timer, and no guest that looks in between


@pytest.mark.parametrize("path", [KERNEL_MODE, PREEMPTED])
def test_a_kernel_without_s25_would_have_lost_no_section(path: Path) -> None:
    found = differing(path, replace(LINUX_7_3, preempted_section="saved"))
    assert found == {"kvec_fault": {"kernel_bad"}, "kvec_counters": {"fault_bad"}}


@pytest.mark.parametrize(
    ("path", "kind", "changes"),
    [
        (KERNEL_MODE, "kvec_watch", {"regs_bad": 1}),
        (KERNEL_MODE, "kvec_watch", {"vl": 6}),
        (KERNEL_MODE, "kvec_watch", {"soft_refused": 3}),
        (KERNEL_MODE, "kvec_fault", {"switched": 0, "kernel_bad": 1}),  # one that nobody preempted
        (KERNEL_MODE, "kvec_fault", {"guest_seen_bad": 1}),
        (KERNEL_MODE, "kvec_counters", {"fault_runs": 47}),
        (PREEMPTED, "kvec_fault", {"switched": 12, "kernel_bad": 11}),  # one that survived
        (PREEMPTED, "kvec_user_fault", {"kernel_bad": 1}),
        (PREEMPTED_CLASSIC, "kvec_fault", {"guest_onereg_bad": 1}),
    ],
)
def test_a_changed_recording_of_kernel_code_does_not_pass(path: Path, kind: str, changes: dict[str, int]) -> None:
    rows = [dict(row) for row in recording(path)]
    changed = next(row for row in rows if row["t"] == kind)
    changed |= changes
    verdicts = replay(rows, JUDGEMENTS[path].version)
    assert [verdict.kind for verdict in verdicts if verdict.row is changed] == [Kind.DIFFERS]


def test_an_explanation_holds_only_for_what_it_predicts() -> None:
    rows = [dict(row) for row in rows_of(WITH_V, "csr_only")]
    lost = next(row for row in rows if row["t"] == "csr_only")
    assert [v.kind for v in replay(rows) if v.row is lost] == [Kind.EXPLAINED]
    lost["vcsr"] = "0x5"  # neither what was written nor what was there
    assert [v.kind for v in replay(rows) if v.row is lost] == [Kind.DIFFERS]


def test_a_run_that_failed_is_explained_by_where_the_guest_was_to_go_on() -> None:
    failed: Row = {"ctx": "v_disabled_guest", "t": "run_failed", "vcpu": 0, "err": 95, "ename": "EOPNOTSUPP"}
    boot = rows_of(WITH_V)
    in_the_kernel, in_the_guest = failed | {"pc": "0xffffffff01e80c9c"}, failed | {"pc": "0x10048"}
    lost = replay([*boot, in_the_kernel])[-1]
    assert lost.kind is Kind.EXPLAINED and lost.explanation is not None and lost.explanation.reason == SEPC_LOST
    for row, version in (
        (in_the_guest, LINUX_6_12),
        (in_the_kernel | {"err": 14}, LINUX_6_12),
        (in_the_kernel, LINUX_7_2),  # which delegates illegal instructions
    ):
        assert replay([*boot, row], version)[-1].kind is Kind.DIFFERS


@pytest.mark.parametrize(
    ("step", "vill"),
    [
        ({"op": "guest_vsetvl", "avl": "0x7", "vtype": "0xdf", "vtype_out": "0x8000000000000000"}, True),
        ({"op": "guest_vsetvl", "avl": "0x7", "vtype": "0xdf", "vtype_out": "0xdf"}, False),
        ({"op": "guest_load", "avl": "0x7", "vtype": "0x16", "rd": 0}, True),
        ({"op": "guest_load", "avl": "0x7", "vtype": "0x16", "rd": 2}, False),
        ({"op": "guest_load", "avl": "0x0", "vtype": "0x16", "rd": 0}, False),  # that shows nothing
    ],
)
def test_the_random_walk_also_tells_the_emulators_choice(step: Row, vill: bool) -> None:
    rows = [*rows_of(WITH_V), {"ctx": "random", "t": "step", "n": 0, "vcpu": 0, **step}]
    assert session.Platform.of(rows).latitude.wide_sew_vill is vill


def test_a_lost_csr_write_is_explained_also_as_the_first_thing_of_a_vcpu() -> None:
    rows = rows_of(WITH_V, "random")
    first, seen = rows[:3], next(row for row in rows if row["t"] == "guest_dump")
    assert [row["t"] for row in first] == ["boot", "cfg", "random_begin"]
    write: Row = {"ctx": "random", "t": "step", "n": 0, "vcpu": 0, "op": "guest_csrw", "vstart": "0x3", "vcsr": 6}
    fresh = seen | {"vcpu": 0, "sstatus_in": "0x8000000200000600", "vs_in": 3, "vl": "0x0"}
    lost = [*first, write | {"code": "DONE"}, fresh]
    assert [verdict.kind for verdict in replay(lost)][-2:] == [Kind.MATCHED, Kind.EXPLAINED]
    kept = [*lost[:-1], fresh | {"vstart": "0x3", "vcsr": "0x6", "vxrm": 3}]
    assert [verdict.kind for verdict in replay(kept)][-1] is Kind.MATCHED
    other = [*lost[:-1], fresh | {"vstart": "0x2"}]
    assert [verdict.kind for verdict in replay(other)][-1] is Kind.DIFFERS


def test_the_recording_tells_what_the_machine_is() -> None:
    rows = [dict(row) for row in rows_of(WITH_V, "onereg")]
    rows[1] |= {"marchid": "0x70216"}
    assert summary(replay(rows))[Kind.DIFFERS] == 0

    rows = [dict(row) for row in rows_of(WITH_V, "guest")]
    wide = [row for row in rows if row["t"] == "vsetvl" and int(row["vtype_in"], 16) & ~0xC0 in (0x0D, 0x16, 0x1F)]
    for row in wide:
        row |= {"rd": 0, "vl": 0, "vtype": "0x8000000000000000", "onereg_vl": 0, "onereg_vtype": "0x8000000000000000"}
    platform = session.Platform.of(rows)
    assert platform.latitude == replace(session.EMULATOR, wide_sew_vill=True)
    others = [verdict for verdict in replay(rows) if verdict.kind is Kind.DIFFERS]
    assert others and not any(verdict.row in wide for verdict in others)

    with pytest.raises(UsageError, match="starts with a boot line"):
        replay(rows[1:])


def test_vs_without_v_is_explained_if_it_is_what_was_written() -> None:
    rows = [dict(row) for row in recording(WITHOUT_V)]
    shown = [row for row in rows if row["t"] == "guest_result"]
    for row in shown:
        row["vs"] = 1
    assert summary(replay(rows))[Kind.EXPLAINED] == len(shown) == 2
    shown[0]["vs"] = 2
    assert [verdict.row for verdict in replay(rows) if verdict.kind is Kind.DIFFERS] == shown[:1]


def test_nothing_passes_by_being_unknown() -> None:
    rows = rows_of(WITH_V, "csr_only")
    with pytest.raises(UsageError, match=r"fields that nothing judges.*colour"):
        replay([*rows[:4], rows[4] | {"colour": 1}])
    with pytest.raises(UsageError, match="no kind of line 'dance'"):
        replay([*rows, {"ctx": "csr_only", "t": "dance"}])


@pytest.mark.parametrize(
    ("content", "error"),
    [("{", "does not hold JSON lines"), (json.dumps({"t": "boot"}), "line 1 .* has no ctx and t"), ("[1]", "no ctx")],
)
def test_other_files_are_refused(tmp_path: Path, content: str, error: str) -> None:
    path = tmp_path / "recording.jsonl"
    path.write_text(content)
    with pytest.raises(UsageError, match=error):
        read_rows(path)
    with pytest.raises(UsageError, match="cannot read"):
        read_rows(tmp_path / "absent")


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(WITHOUT_V)]) == 0
    assert capsys.readouterr().out == "15 matched, 0 explained, 0 differs, 9 bookkeeping\n"
    changed = tmp_path / "changed.jsonl"
    changed.write_text(WITHOUT_V.read_text().replace('"n":157', '"n":158'))
    assert main([str(changed)]) == 1
    assert "n: recorded 158, golden 157" in capsys.readouterr().out
    assert main([]) == main([str(tmp_path)]) == main([str(WITHOUT_V), "v9"]) == main([str(WITHOUT_V), "v12", "x"]) == 2
    assert "usage" in capsys.readouterr().err
    assert main([str(WITHOUT_V), "linux-7.3"]) == 1  # its list has other ids
    assert main([str(KERNEL_MODE), "deferred"]) == 0
