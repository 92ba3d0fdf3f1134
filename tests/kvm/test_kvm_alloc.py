# SPDX-License-Identifier: Apache-2.0
"""The allocator notices every misuse that it says it notices."""

from __future__ import annotations

import pytest

from vctx.pymodel.isa import Hart, HartConfig, Memory
from vctx.pymodel.kvm.alloc import POISON_ALLOCATED, POISON_FREE, Allocator, AllocError

BASE, SIZE = 0x8000_0000, 0x4000


@pytest.fixture
def memory() -> Memory:
    return Memory([(BASE, SIZE)])


@pytest.fixture
def hart(memory: Memory) -> Hart:
    return Hart(HartConfig(), memory)


@pytest.fixture
def heap(memory: Memory) -> Allocator:
    return Allocator(memory, lambda hart, address, data: memory.write(address, data), BASE, SIZE)


def test_contents_and_alignment(heap: Allocator, hart: Hart, memory: Memory) -> None:
    a = heap.kmalloc(hart, 100, "a")
    b = heap.kzalloc(hart, 512, "b")
    c = heap.alloc_pages(hart, 4096, "c")
    assert memory.read(a, 100) == bytes([POISON_ALLOCATED]) * 100
    assert memory.read(b, 512) == bytes(512)
    assert memory.read(c, 4096) == b"\xa5" * 4096
    assert a % 64 == b % 512 == c % 4096 == 0
    assert [(o.address, o.size, o.owner) for o in heap.outstanding] == [(a, 100, "a"), (b, 512, "b"), (c, 4096, "c")]
    heap.kfree(hart, a)
    assert memory.read(a, 100) == bytes([POISON_FREE]) * 100
    assert [o.owner for o in heap.outstanding] == ["b", "c"]
    heap.check_guards()


def test_freed_memory_is_used_again(heap: Allocator, hart: Hart) -> None:
    first = heap.kmalloc(hart, 64, "first")
    heap.kfree(hart, first)
    for _ in range(1000):
        again = heap.kzalloc(hart, 64, "again")
        assert again == first
        heap.kfree(hart, again)


@pytest.mark.parametrize("offset", [-1, -64, 100, 163])
def test_red_zones(heap: Allocator, hart: Hart, memory: Memory, offset: int) -> None:
    address = heap.kmalloc(hart, 100, "victim")
    memory.write(address + offset, b"\0")
    with pytest.raises(AllocError, match=r"red zone .*victim"):
        heap.check_guards()
    with pytest.raises(AllocError, match=r"red zone .*victim"):
        heap.kfree(hart, address)


def test_writes_inside_are_fine(heap: Allocator, hart: Hart, memory: Memory) -> None:
    address = heap.kmalloc(hart, 100, "victim")
    memory.write(address, bytes(100))
    heap.check_guards()
    heap.kfree(hart, address)


def test_wrong_frees(heap: Allocator, hart: Hart) -> None:
    address = heap.kmalloc(hart, 64, "victim")
    with pytest.raises(AllocError, match="never allocated"):
        heap.kfree(hart, address + 8)
    heap.kfree(hart, address)
    with pytest.raises(AllocError, match="double free of victim"):
        heap.kfree(hart, address)
    heap.kfree(hart, 0)


def test_write_after_free(heap: Allocator, hart: Hart, memory: Memory) -> None:
    address = heap.kmalloc(hart, 64, "victim")
    heap.kfree(hart, address)
    memory.write(address + 63, b"\0")
    with pytest.raises(AllocError, match=r"victim.*after it was freed"):
        heap.check_guards()
    with pytest.raises(AllocError, match=r"victim.*after it was freed"):
        heap.kmalloc(hart, 64, "next")


def test_failing_on_demand(heap: Allocator, hart: Hart) -> None:
    heap.fail_nth(2)
    assert heap.kmalloc(hart, 64, "a")
    assert heap.kmalloc(hart, 64, "b") == 0
    assert heap.kmalloc(hart, 64, "c")
    heap.fail_nth(1)
    heap.fail_nth(0)
    assert heap.kmalloc(hart, 64, "d")
    assert [o.owner for o in heap.outstanding] == ["a", "c", "d"]


def test_exhaustion_is_an_error_of_its_own(heap: Allocator, hart: Hart) -> None:
    with pytest.raises(AllocError, match=r"no memory for .* of glutton"):
        heap.kmalloc(hart, SIZE, "glutton")
