# SPDX-License-Identifier: Apache-2.0
"""The simulators that there are, by name."""

from __future__ import annotations

from vctx.tb.knobs import one_of
from vctx.tb.simulators.icarus import Icarus
from vctx.tb.simulators.simulator import Simulator
from vctx.tb.simulators.verilator import Verilator

SIMULATORS: dict[str, type[Simulator]] = {"verilator": Verilator, "icarus": Icarus}


def simulator(name: str) -> Simulator:
    """Return a working simulator.

    Raises:
        UsageError: there is none of that name.
        ToolError: it is not installed, or too old.
    """
    one_of("SIM", name, tuple(SIMULATORS))
    return SIMULATORS[name]()
