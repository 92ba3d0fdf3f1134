# SPDX-License-Identifier: Apache-2.0
"""Directed sweeps: instruction sequences, each with what the specification, not the golden model, requires of it."""

from collections.abc import Callable

from vctx.pymodel.scenarios.directed.csr_access import csr_access
from vctx.pymodel.scenarios.directed.edges import edges
from vctx.pymodel.scenarios.directed.elements import element_faults, element_irqs
from vctx.pymodel.scenarios.directed.field_bugs import field_bugs
from vctx.pymodel.scenarios.directed.stimulus import Failure, Probe, Stimulus, failures
from vctx.pymodel.scenarios.directed.vs_states import vs_states
from vctx.pymodel.scenarios.directed.vsets import vsets

Sequence = Callable[[Stimulus], None]
SWEEPS: dict[str, Sequence] = {
    "states": vs_states,
    "csr": csr_access,
    "vset": vsets,
    "faults": element_faults,
    "irq": element_irqs,
    "edges": edges,
    "bugs": field_bugs,
}


def _items(*ranges: str) -> tuple[str, ...]:
    """Return the items of ranges such as "C-1..13"."""
    found = []
    for text in ranges:
        section, _, numbers = text.partition("-")
        first, _, last = numbers.partition("..")
        found += [f"{section}-{number}" for number in range(int(first), int(last or first) + 1)]
    return tuple(found)


RULES: dict[str, tuple[str, ...]] = {
    "states": _items("A-3", "B-1..5", "B-8", "B-10..16", "F-7"),
    "csr": _items("A-1..9", "A-13", "B-1..4", "B-8", "B-12..17", "F-7"),
    "vset": _items("A-7", "A-11..12", "B-8", "C-1..13"),
    "faults": _items("B-8..9", "B-13", "D-1..2", "D-5", "D-7..10", "D-12..14", "D-16..19", "D-24"),
    "irq": _items("D-5", "D-7", "D-13..19", "D-24"),
    "edges": _items("B-11", "D-3..10", "D-14", "D-16..18", "E-2", "E-10..11"),
    "bugs": _items("A-2..9", "A-11", "B-1..5", "B-8..16", "C-3..9", "D-6", "D-8", "D-18..19", "E-9..11"),
}
"""What each sweep checks, by item of the specification."""

__all__ = ["RULES", "SWEEPS", "Failure", "Probe", "Sequence", "Stimulus", "failures"]
