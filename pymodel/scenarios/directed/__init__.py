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

__all__ = ["SWEEPS", "Failure", "Probe", "Sequence", "Stimulus", "failures"]
