# SPDX-License-Identifier: Apache-2.0
"""The trace file round-trips every event, and says clearly what is wrong with a bad file."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vctx.pymodel.places import own_version
from vctx.pymodel.trace import (
    MODE_NAMES,
    Checkpoint,
    Event,
    Insn,
    Issue,
    Mark,
    Retire,
    Store,
    Sync,
    TraceError,
    TraceReader,
    TraceWriter,
    Trap,
    Xlat,
    decode_retire,
    encode_retire,
)
from vctx.pymodel.trace.bulk import verify
from vctx.pymodel.trace.file import FORMAT, KIND, decode_event

u64 = st.integers(0, 2**64 - 1)
u2 = st.integers(0, 3)
hart = st.integers(0, 7)
vreg = st.binary(min_size=16, max_size=16)
traps = st.builds(Trap, st.integers(0, 63), u64, u64)
mem = st.dictionaries(st.integers(0, 2**56 - 1), st.integers(0, 255), max_size=20)
retires = st.builds(
    Retire,
    trap=st.none() | traps,
    irq=st.booleans(),
    rd=st.none() | u64,
    vl=u64,
    vtype=u64,
    vstart=u64,
    vcsr=st.integers(0, 7),
    mstatus_vs=u2,
    vsstatus_vs=u2,
    vregs=st.dictionaries(st.integers(0, 31), vreg, max_size=8),
    mem=mem,
)
xlats = st.builds(Xlat, st.integers(0, 2**52 - 1), st.integers(0, 2**44 - 1), st.integers(0, 23), u64)
issues = st.builds(
    lambda mode, **others: Issue(prv=mode[0], virt=mode[1], **others),
    mode=st.sampled_from(sorted(MODE_NAMES)),
    insn=st.integers(0, 2**32 - 1),
    rs1=u64,
    rs2=u64,
    fs_dirty=st.booleans(),
    vsfs_dirty=st.booleans(),
    irq_elem=st.none() | st.integers(0, 4096),
    xlat=st.lists(xlats, max_size=5).map(tuple),
)
marks = st.builds(
    Mark, hart, st.booleans(), st.text(max_size=8), st.text(max_size=8), st.just((("guest_datap", 0x8000, 512),))
)
events = st.one_of(
    st.builds(Insn, hart, u64, issues, retires),
    st.builds(Store, hart, u64, st.binary(min_size=1, max_size=64)),
    marks,
    st.builds(Sync),
    st.builds(Checkpoint, hart, retires),
)


def write(path: Path, trace: list[Event]) -> Path:
    with TraceWriter(path, {"vlen": 128, "seed": 1}) as writer:
        for event in trace:
            writer.event(event)
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("trace")


@given(st.lists(events, max_size=12))
def test_round_trip(folder: Path, trace: list[Event]) -> None:
    reader = TraceReader(write(folder / "t.vctx", trace))
    assert reader.header == {"vlen": 128, "seed": 1, "vctx": own_version()}
    assert list(reader) == trace


@given(retires, retires)
def test_encoding_is_equality(a: Retire, b: Retire) -> None:
    assert decode_retire(encode_retire(a)) == a
    assert (encode_retire(a) == encode_retire(b)) == (a == b)


SAMPLE: list[Event] = [Sync(), Store(0, 0x80000000, b"abc"), Insn(1, 4, Issue(0x57), Retire(rd=3))]


@pytest.mark.parametrize("keep", [9, 20, -1, -9, -30])
def test_truncated(tmp_path: Path, keep: int) -> None:
    path = write(tmp_path / "t.vctx", SAMPLE)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(TraceError, match="truncated"):
        verify(TraceReader(path))


@pytest.mark.parametrize(
    ("header", "says"),
    [
        (
            {"vctx": "3.2.1", "command": "vctx cosim --seed 7"},
            "of vctx 3.2.1, which can read it; this is vctx {own}, which reads format {format}; "
            "what recorded it: vctx cosim --seed 7",
        ),
        ({}, "of a vctx before {own}, which alone can read it; this is vctx {own}, which reads format {format}"),
    ],
)
def test_another_format_is_refused_by_its_number(tmp_path: Path, header: dict[str, str], says: str) -> None:
    """With who can read it, which the header says in every format."""
    for number in {1, 4, 9} - {FORMAT}:
        text = json.dumps(header).encode()
        (tmp_path / "t.vctx").write_bytes(b"VCTXTRC%d" % number + len(text).to_bytes(4, "little") + text + b"no frames")
        with pytest.raises(TraceError) as caught:
            TraceReader(tmp_path / "t.vctx")
        said = says.format(own=own_version(), format=FORMAT)
        assert str(caught.value) == f"{tmp_path}/t.vctx: trace format {number} {said}"


def test_a_copy_keeps_the_version_that_wrote_it(tmp_path: Path) -> None:
    with TraceWriter(tmp_path / "t.vctx", {"vctx": "3.2.1"}):
        pass
    assert TraceReader(tmp_path / "t.vctx").header == {"vctx": "3.2.1"}


@pytest.mark.parametrize("read", [verify, list], ids=["in bulk", "by event"])
def test_damage_anywhere_is_found(read: Callable[[TraceReader], object], tmp_path: Path) -> None:
    """The header is covered, too; and nothing may follow the end."""
    path = write(tmp_path / "t.vctx", SAMPLE)
    whole = path.read_bytes()
    assert read(TraceReader(path))
    for at in range(len(whole)):
        for bit in (0, 5):
            path.write_bytes(whole[:at] + bytes([whole[at] ^ 1 << bit]) + whole[at + 1 :])
            with pytest.raises(TraceError):
                read(TraceReader(path))
    path.write_bytes(whole + b"\0")
    with pytest.raises(TraceError, match="checksum"):
        read(TraceReader(path))


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        ("mark", b'[0, true, "vcpu_load", "vcpu0", []'),
        ("mark", b'[0, true, "vcpu_load", "vcpu0"]'),
        ("mark", b'[0, true, "vcpu_\xff", "vcpu0", []]'),
        ("mark", b'["0", true, "vcpu_load", "vcpu0", []]'),
        ("mark", b'[0, true, "vcpu_load", "vcpu0", [["a", 1, [2]]]]'),
        ("mark", b'[0,true,"vcpu_load","vcpu0",[]]'),  # JSON, but not as a trace has it
        ("mark", b"5"),
        ("store", b"\0" * 8),
        ("insn", b"\0" * 40),
        ("insn", b"\0" * 29 + b"\2" + b"\0" * 80),  # no such mode
        ("checkpoint", b""),
        ("checkpoint", b"\0" * 20),
    ],
)
def test_a_damaged_event_is_no_other_error(kind: str, payload: bytes) -> None:
    with pytest.raises(TraceError, match="damaged"):
        decode_event(KIND[kind], payload)


@pytest.mark.parametrize(
    ("content", "message"), [(b"", "not a vctx trace"), (b"\x7fELF\x02\x01\x01\x00 and more", "not a vctx trace")]
)
def test_foreign(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "t.vctx"
    path.write_bytes(content)
    with pytest.raises(TraceError, match=message):
        TraceReader(path)


def test_missing(tmp_path: Path) -> None:
    with pytest.raises(TraceError, match="No such file"):
        TraceReader(tmp_path / "none.vctx")


def test_interrupted_recording_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), TraceWriter(tmp_path / "t.vctx", {}) as writer:
        writer.event(Sync())
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_recording_left_goes_with_the_next_one(tmp_path: Path) -> None:
    """But not what another recording of the same trace is still writing."""
    left, foreign = tmp_path / "t.vctx.123.part", tmp_path / "other.vctx.123.part"
    left.touch()
    foreign.touch()
    with TraceWriter(tmp_path / "t.vctx", {}) as writer:
        other = writer.partial.rename(tmp_path / "t.vctx.124.part")
        with TraceWriter(tmp_path / "t.vctx", {}):
            pass
        assert other.exists() and foreign.exists() and not left.exists()
        other.rename(writer.partial)
