# SPDX-License-Identifier: Apache-2.0
"""When interrupts arrive."""

from __future__ import annotations

from vctx.pymodel.isa import decode
from vctx.pymodel.trace import Issue
from vctx.tb.agents.pins import seeded

_LOAD_FP, _STORE_FP = 0x07, 0x27


class InterruptInjector:
    """Decides which vector loads and stores find an interrupt pending, and at which element it stops them.

    The pins `irq_valid_i` and `irq_elem_i[12:0]` belong to the issue of an instruction, so `IssueDriver` drives them;
    what this decides goes into `Issue.irq_elem`. An instruction that stopped must be issued again to go on, as a
    core does after its handler: its `Retire.irq` is set and `vstart` says where it stopped.

    Args:
        probability: that a load or store finds an interrupt pending.
        elements: its element is from 0 to below this.

    Example::

        injector = InterruptInjector(probability=0.25, elements=32)
        driver.append(injector(Issue(encode("vle8.v", vd=8, rs1=10), rs1=0x8000_0000)))
        injector.arm(5)  # the next load or store, for certain, at element 5
    """

    def __init__(self, probability: float = 0.0, elements: int = 1) -> None:
        self._probability = probability
        self._elements = elements
        self._rng = seeded("irq")
        self._armed: int | None = None

    def arm(self, element: int) -> None:
        """Let the next vector load or store find an interrupt at `element` (13 bits)."""
        self._armed = element

    def __call__(self, issue: Issue) -> Issue:
        """Return the instruction with the interrupt that it will find, if any."""
        element = self.element(issue.insn)
        return issue if element is None else issue._replace(irq_elem=element)

    def element(self, insn: int) -> int | None:
        """Return the element at which an instruction is to be interrupted, None for no interrupt."""
        if not is_vector_memory(insn):
            return None
        if self._armed is not None:
            element, self._armed = self._armed, None
            return element
        if self._probability and self._rng.random() < self._probability:
            return self._rng.randrange(self._elements)
        return None


def is_vector_memory(insn: int) -> bool:
    """Tell whether an instruction word is a vector load or store."""
    return insn & 0x7F in (_LOAD_FP, _STORE_FP) and decode(insn).mnemonic.startswith("v")
