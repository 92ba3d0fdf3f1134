# SPDX-License-Identifier: Apache-2.0
"""Registers and bytes of a record, kept as they lie in register file and memory, are mappings like any other."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from vctx.pymodel.trace import ByteRuns, Registers, Retire

MEM = st.dictionaries(st.integers(0, 40), st.integers(0, 255))
VREGS = st.dictionaries(st.integers(0, 31), st.binary(min_size=16, max_size=16))


@given(mem=MEM, probe=st.integers(0, 41))
def test_runs_are_the_mapping_they_were_made_of(mem: dict[int, int], probe: int) -> None:
    runs = ByteRuns.of(mem)
    assert dict(runs) == mem
    assert (len(runs), list(runs), runs.get(probe)) == (len(mem), sorted(mem), mem.get(probe))
    assert repr(runs) == repr(dict(sorted(mem.items())))
    assert all(a + len(data) < b for (a, data), (b, _) in zip(runs.runs, runs.runs[1:], strict=False))
    assert ByteRuns.of(runs) is runs


@given(one=MEM, other=MEM)
def test_records_compare_bytes_not_how_they_are_kept(one: dict[int, int], other: dict[int, int]) -> None:
    assert (Retire(mem=ByteRuns.of(one)) == Retire(mem=ByteRuns.of(other))) == (one == other)
    assert (Retire(mem=ByteRuns.of(one)) == Retire(mem=other)) == (one == other)


@given(vregs=VREGS, probe=st.integers(-1, 32))
def test_registers_are_the_mapping_they_were_made_of(vregs: dict[int, bytes], probe: int) -> None:
    registers = Registers.of(vregs)
    assert dict(registers) == vregs
    assert (len(registers), list(registers), registers.get(probe)) == (len(vregs), sorted(vregs), vregs.get(probe))
    assert (registers.mask.bit_count(), len(registers.data)) == (len(vregs), 16 * len(vregs))
    assert repr(registers) == repr(dict(sorted(vregs.items())))
    assert Registers.of(registers) is registers


@given(one=VREGS, other=VREGS)
def test_records_compare_values_not_how_they_are_kept(one: dict[int, bytes], other: dict[int, bytes]) -> None:
    assert (Retire(vregs=Registers.of(one)) == Retire(vregs=Registers.of(other))) == (one == other)
    assert (Retire(vregs=Registers.of(one)) == Retire(vregs=other)) == (one == other)
