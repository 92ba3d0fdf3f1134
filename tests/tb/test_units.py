# SPDX-License-Identifier: Apache-2.0
"""The parts of the testbench that need no simulator."""

from __future__ import annotations

import asyncio
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vctx.pymodel.places import HDL
from vctx.pymodel.trace import PAGE_SIZE, Mark, Retire, Sync, TraceError
from vctx.tb.replay import layout
from vctx.tb.replay.accounting import Accounts
from vctx.tb.replay.compare import compare
from vctx.tb.replay.memory import GoldenImage, PendingStores
from vctx.tb.replay.observation import Observation
from vctx.tb.replay.step.replay import BATCH, batches

PACKAGE = (HDL / "vctx_tb_pkg.sv").read_text()
BASE, SIZE = 0x8000_0000, 0x4000


@pytest.mark.parametrize(
    ("name", "mirror"),
    [
        ("page_t", layout.PAGE),
        ("stim_t", layout.STIM),
        ("obs_t", layout.OBS),
        ("cfg_t", layout.CFG),
        ("poke_t", layout.POKE),
    ],
)
def test_layouts_mirror_the_package(name: str, mirror: layout.Layout) -> None:
    """Same members, same order, same widths."""
    body = re.search(r"typedef struct packed \{([^}]*)\} " + name + ";", PACKAGE)
    assert body is not None
    members = re.findall(r"(logic|page_t)\s*(?:\[(\d+):0\])?\s+(\w+);", body[1])
    width = 0
    for kind, msb, member in reversed(members):
        assert mirror.shift(member) == width
        width += layout.PAGE.width if kind == "page_t" else int(msb or 0) + 1
    assert tuple(member for *_, member in members) == mirror.names
    assert width == mirror.width


def test_constants_mirror_the_package() -> None:
    numbers = dict(re.findall(r"localparam int (\w+) = (\d+);", PACKAGE))
    assert int(numbers["POKES"]) == layout.POKES
    assert int(numbers["LOG_BEATS"]) == layout.LOG_BEATS
    codes = sorted(int(value) for name, value in numbers.items() if name.startswith("ERR_"))
    assert codes == list(range(len(layout.ERRORS)))


def test_a_layout_of_another_width_is_refused() -> None:
    with pytest.raises(AssertionError, match="obs: 3 bits in HDL"):
        layout.OBS.check("obs", 3)


@given(st.data())
def test_pack_and_unpack_are_inverse(data: st.DataObject) -> None:
    values = {
        name: data.draw(st.integers(0, (1 << width) - 1))
        for name, width in (("insn", 32), ("rs1", 64), ("irq_elem", 13), ("pages", 2), ("page1", layout.PAGE.width))
    }
    unpacked = dict(zip(layout.STIM.names, layout.STIM.unpack(layout.STIM.pack(**values)), strict=True))
    assert {name: unpacked[name] for name in values} == values
    assert all(value == 0 for name, value in unpacked.items() if name not in values)


def test_unknown_fields_are_found_by_name() -> None:
    bits = list(f"{layout.POKE.pack(addr=1, strb=2, data=3):0{layout.POKE.width}b}")
    assert layout.POKE.unknown("".join(bits)) == []
    bits[-1] = "X"
    bits[56] = "Z"
    assert layout.POKE.unknown("".join(bits)) == [("strb", "Z0000010"), ("data", "0" * 62 + "1X")]


@pytest.mark.parametrize(("bits", "text"), [("1", "0x1"), ("11110000", "0xf0"), ("1111X000", "0xfX"), ("X1", "0xX")])
def test_hexadecimal_keeps_unknown_digits(bits: str, text: str) -> None:
    assert layout.hexadecimal(bits) == text


def test_error_texts_are_those_of_the_bits() -> None:
    assert list(layout.error_texts(0b1000_0001)) == [layout.ERRORS[0], layout.ERRORS[7]]


class RecordingRam:
    """A `RamBackend` that applies words to bytes."""

    def __init__(self) -> None:
        self.bytes: dict[int, int] = {}

    async def write(self, words: list[tuple[int, int, int]]) -> None:
        for addr, strb, data in words:
            assert addr % 8 == 0 and 0 < strb < 256
            for i in range(8):
                if strb >> i & 1:
                    self.bytes[addr + i] = data >> 8 * i & 0xFF

    async def image(self) -> dict[int, str]:
        return {}


STORES = st.lists(st.tuples(st.integers(0, SIZE - 40), st.binary(min_size=1, max_size=40)), max_size=12)


@given(STORES)
def test_pending_stores_end_as_if_done_one_by_one(stores: list[tuple[int, bytes]]) -> None:
    ram, expected = RecordingRam(), dict[int, int]()
    pending = PendingStores(ram, BASE, SIZE)
    for offset, data in stores:
        pending.add(BASE + offset, data)
        expected.update(enumerate(data, BASE + offset))
    asyncio.run(pending.flush())
    assert ram.bytes == expected


def test_only_the_pages_asked_for_are_flushed() -> None:
    ram = RecordingRam()
    pending = PendingStores(ram, BASE, SIZE)
    pending.add(BASE + PAGE_SIZE - 1, b"ab")
    asyncio.run(pending.flush({(BASE >> 12) + 1}))
    assert ram.bytes == {BASE + PAGE_SIZE: ord("b")}
    asyncio.run(pending.flush())
    assert ram.bytes[BASE + PAGE_SIZE - 1] == ord("a")


@pytest.mark.parametrize(("addr", "length"), [(BASE - 1, 2), (BASE + SIZE - 1, 2), (0, 1)])
def test_a_store_outside_ram_is_refused(addr: int, length: int) -> None:
    with pytest.raises(TraceError, match="outside RAM"):
        PendingStores(RecordingRam(), BASE, SIZE).add(addr, bytes(length))


@given(STORES)
def test_the_golden_image_agrees_with_itself_and_with_nothing_else(stores: list[tuple[int, bytes]]) -> None:
    golden, model = GoldenImage(0xA5), bytearray([0xA5]) * SIZE
    for i, (offset, data) in enumerate(stores):
        model[offset : offset + len(data)] = data
        if i % 2:
            golden.store(BASE + offset, data)
        else:
            golden.update(dict(enumerate(data, BASE + offset)))
    image = {(BASE + page) >> 12: model[page : page + PAGE_SIZE].hex() for page in range(0, SIZE, PAGE_SIZE)}
    assert golden.differences(image) == []
    model[0x1234] ^= 1
    image[(BASE + 0x1000) >> 12] = model[0x1000:0x2000].hex()
    assert [d.field for d in golden.differences(image)] == [f"ram[{BASE + 0x1234:#x}]"]


def test_an_image_with_unknown_or_missing_pages_differs() -> None:
    golden = GoldenImage(0xA5)
    golden.store(BASE, b"\x01")
    assert [(d.expected, d.observed) for d in golden.differences({})] == [("0x01", "0xA5")]
    unknown = "01" + "xX" + "a5" * (PAGE_SIZE - 2)
    assert [(d.field, d.observed) for d in golden.differences({BASE >> 12: unknown})] == [
        (f"ram[{BASE + 1:#x}]", "0xXX")
    ]
    assert len(golden.differences({BASE >> 12: "00" * PAGE_SIZE}, limit=5)) == 5


@given(st.integers(0, 64), st.integers(0, 64), st.integers(0, 255))
def test_region_bytes_are_those_whose_address_lies_inside(first: int, length: int, strb: int) -> None:
    accounts = Accounts(1)
    account = accounts.harts[0]
    account.mark(3, Mark(0, True, "save", "vcpu1", (("r", 1000 + first, length),)))
    account.instruction(Observation(Retire(), reads=[(1016, 24)], writes=[(1016, strb), (1024, 0xFF)]))
    region = range(1000 + first, 1000 + first + length)
    written = [1016 + i for i in range(8) if strb >> i & 1] + list(range(1024, 1032))
    count = account.open[0].regions["r"]
    assert count.bytes_read == len(set(range(1016, 1040)) & set(region))
    assert count.bytes_written == len(set(written) & set(region))


def test_functions_are_charged_alone_and_visits_with_what_they_call() -> None:
    accounts = Accounts(1)
    account = accounts.harts[0]
    for repeat in range(2):
        assert account.mark(0, Mark(0, True, "load", "v0", (("r", 0, 1),))) is None
        account.mark(1, Mark(0, True, "restore", "v0"))
        assert account.where == ("load > restore", "v0")
        account.instruction(Observation(Retire(), cycles=7))
        assert account.mark(2, Mark(0, False, "restore", "v0")) is None
        account.instruction(Observation(Retire(), cycles=2 + repeat))
        visit = account.mark(3, Mark(0, False, "load", "v0"))
        assert visit is not None
        accounts.add(visit)
    account.instruction(Observation(Retire(), cycles=1))
    assert account.where == ("-", "-")
    functions, visits = accounts.finish()
    assert {(f.what, f.who): f.cycles for f in functions} == {("-", "-"): 1, ("load", "v0"): 5, ("restore", "v0"): 14}
    assert [(v.what, v.who, v.visits, v.instructions, v.cycles) for v in visits] == [("load", "v0", 2, 4, 19)]


def test_batches_end_at_a_sync_or_when_full_and_lose_nothing() -> None:
    marks = [Mark(0, True, str(i)) for i in range(BATCH + 5)]
    events = [*marks[:3], Sync(), *marks]
    cut = list(batches(events))
    assert [len(batch) for batch in cut] == [4, BATCH, 5]
    assert [index for batch in cut for index, _ in batch] == list(range(len(events)))
    assert [event for batch in cut for _, event in batch] == events


def test_compare_names_errors_and_unknown_fields_first() -> None:
    expected = Retire(vl=5, vregs={3: b"\x12\x34"}, mem={64: 7})
    seen = Observation(Retire(vl=6), unknown={"v3": "XX12", "mem[0x40]": "0xXX", "tval": "0xX"}, errors=1)
    assert [(d.field, d.expected, d.observed) for d in compare(expected, seen)] == [
        ("protocol", "none", layout.ERRORS[0]),
        ("v3", "3412", "XX12"),
        ("mem[0x40]", "0x7", "0xXX"),
        ("tval", "-", "0xX"),
        ("vl", "0x5", "0x6"),
    ]
    assert compare(expected, Observation(expected)) == []
