# SPDX-License-Identifier: Apache-2.0
"""Physical memory: regions, fill, page crossing, watched lines."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vctx.pymodel.isa import HartError, Memory, MemoryRangeError
from vctx.pymodel.isa.memory import LINE_SHIFT

_BASE, _SIZE = 0x8000_0000, 0x4000


def test_untouched_memory_holds_the_fill() -> None:
    assert Memory([(_BASE, _SIZE)]).read(_BASE + 0xFFE, 4) == b"\xa5" * 4
    assert Memory([(_BASE, _SIZE)], fill=0).load(_BASE, 8) == 0


@given(st.lists(st.tuples(st.integers(0, _SIZE - 1), st.binary(min_size=1, max_size=6000))))
def test_reads_return_what_was_written(writes: list[tuple[int, bytes]]) -> None:
    memory, reference = Memory([(_BASE, _SIZE)], fill=0), bytearray(_SIZE)
    for offset, data in writes:
        data = data[: _SIZE - offset]
        memory.write(_BASE + offset, data)
        reference[offset : offset + len(data)] = data
    assert memory.read(_BASE, _SIZE) == bytes(reference)


def test_integers_are_little_endian() -> None:
    memory = Memory([(_BASE, _SIZE)])
    memory.store(_BASE + 0xFFD, 8, 0x1_1122_3344_5566_7788)
    assert memory.read(_BASE + 0xFFD, 8) == bytes.fromhex("8877665544332211")
    assert memory.load(_BASE + 0xFFD, 8) == 0x1122_3344_5566_7788


@pytest.mark.parametrize(("address", "n"), [(_BASE - 1, 2), (_BASE + _SIZE - 1, 2), (0, 1), (_BASE + _SIZE, 1)])
def test_outside_a_region_there_is_nothing(address: int, n: int) -> None:
    memory = Memory([(_BASE, _SIZE)])
    with pytest.raises(MemoryRangeError):
        memory.read(address, n)
    with pytest.raises(MemoryRangeError):
        memory.write(address, bytes(n))
    assert memory.read(_BASE + _SIZE - 1, 1) == b"\xa5"  # nothing was written in part


def test_an_empty_write_is_nothing() -> None:
    memory = Memory([(_BASE, _SIZE)])
    memory.write(_BASE, b"")
    assert memory.read(_BASE, 0) == b""


@pytest.mark.parametrize("region", [(1, 4096), (0, 100), (0, 0)])
def test_regions_are_whole_pages(region: tuple[int, int]) -> None:
    with pytest.raises(HartError, match="4 KiB pages"):
        Memory([region])


def test_a_watched_line_reports_its_next_write_once() -> None:
    memory = Memory([(_BASE, _SIZE)])
    seen: list[int] = []
    memory.on_write(seen.append)
    line = _BASE + 64 >> LINE_SHIFT
    memory.watch(line)
    memory.write(_BASE, bytes(64))
    memory.write(_BASE + 128, bytes(64))
    assert seen == []
    memory.write(_BASE + 63, bytes(2))
    memory.write(_BASE + 64, bytes(2))
    assert seen == [line]
