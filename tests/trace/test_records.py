"""The bytes of a record, kept as runs, are a mapping like any other."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pymodel.trace import ByteRuns, Retire

MEM = st.dictionaries(st.integers(0, 40), st.integers(0, 255))


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
