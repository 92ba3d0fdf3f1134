# SPDX-License-Identifier: Apache-2.0
"""A part of a recording while it is done again: its machine, the lines around the present one, and the twins."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from vctx.pymodel.kvm import KernelVersion
from vctx.pymodel.scenarios.guest_driver import DriverError, GuestDriver
from vctx.pymodel.scenarios.linux.session import Platform, Session, pattern
from vctx.pymodel.scenarios.linux.trace import Explanation, Observed, Row, differences

# Parts whose vCPUs have started and turned their VS on before the first line that concerns them.
_PREPARED = frozenset(
    {"csr_only", "host", "migrate", "round_robin", "signal", "threads", "watch_v_enabled", "random", "kvec"}
    | {"soft_timer", "sections", "schedule", "look"}
)
# Parts in which guests write CSRs and no vector instruction follows.
_TWINS = frozenset({"csr_only", "random"})

CSR_ONLY = "the emulator loses a guest's CSR write (B-13)"
"""The recorder's emulator marks only vsstatus.VS Dirty for a guest's CSR write; B-13 requires both. Linux then has
nothing to save. A line may differ for that reason if a twin vCPU that never did the write shows what was recorded."""
SEPC_LOST = "the emulator loses sepc at a trap out of the guest"
"""The recorder's emulator takes an interrupt at the first instruction behind a guest's trap, with interrupts off, and
the guest then goes on at that address of the kernel's, which KVM_RUN gives up on. Only a kernel that takes the guests'
illegal instructions itself gets there. A line may differ for that reason if it is a KVM_RUN that failed so, with the
guest's pc an address of the kernel's."""
VS_WITHOUT_V = "the emulator lets VS be written without V (B-2)"
"""Without vector registers VS may be read-only zero, as the golden hart's is, or not. A line may differ for that reason
if VS is what the guest wrote."""


class Part:
    """One part.

    Attributes:
        session: its machine.
        memory: what lines remember for later ones.
    """

    def __init__(self, name: str, platform: Platform, version: KernelVersion, rows: list[Row]) -> None:
        self.name = name
        self.session = Session(platform, version, one_vm=name == "hart_start", prepared=name in _PREPARED)
        self.memory: dict[str, Any] = {}
        self._rows = rows
        self._twins: dict[GuestDriver, GuestDriver] = {}
        self.at = 0

    def vcpu(self, row: Row) -> GuestDriver:
        """Return the vCPU of a line; it is number 0 unless the line says otherwise."""
        return self.session.driver(row.get("vcpu", 0))

    def rest(self, kind: str) -> list[Row]:
        """Return the lines of a kind from here to the end of the part: what was done without a line shows there."""
        return [row for row in self._rows[self.at + 1 :] if (row["ctx"], row["t"]) == (self.name, kind)]

    def recall(self, name: str) -> Any:
        """Return what an earlier line remembered; DriverError if that line failed."""
        if name not in self.memory:
            raise DriverError(f"an earlier line of part {self.name} failed")
        return self.memory[name]

    def pattern(self, seed: int) -> bytes:
        """Return the register contents that stand for `seed`."""
        return pattern(seed, self.session.vlenb)

    # Twins

    def both(self, driver: GuestDriver) -> list[GuestDriver]:
        """Return the vCPU, and its twin where there are twins: whatever is done to one is done to both."""
        if self.name not in _TWINS:
            return [driver]
        if driver not in self._twins:
            twin = self._twins[driver] = self.session.new_driver()
            twin.start()
            twin.command("set_vs", 1)
            self.session.copy_state(driver, twin)
        return [driver, self._twins[driver]]

    def csr_write(self, driver: GuestDriver, vstart: int, vcsr: int) -> str:
        """Have the guest write two CSRs and nothing else; the twin only marks its vsstatus.VS Dirty."""
        _, *twins = self.both(driver)  # before the write, or a twin made now would begin with what was written
        code = driver.command("csrw", vstart, vcsr)
        for twin in twins:
            twin.command("set_vs", 3)
        return code.name

    def observe(self, row: Row, driver: GuestDriver, look: Callable[[GuestDriver], Observed]) -> Observed:
        """Return what `look` sees of a vCPU; if only its twin shows what was recorded, it becomes like the twin."""
        observed, *seen_by_twin = [look(one) for one in self.both(driver)]
        for twin in seen_by_twin:
            if differences(row, observed) and not differences(row, twin):
                observed.explanation = Explanation(CSR_ONLY, "a vCPU that never wrote it shows what was recorded")
                self.session.copy_state(self._twins[driver], driver)
        return observed


@dataclass
class Lines:
    """The handlers of lines, by kind."""

    handlers: dict[str, Callable[[Part, Row], Observed]] = field(default_factory=dict)

    def __call__(self, kind: str) -> Callable[[Callable[[Part, Row], Observed]], Callable[[Part, Row], Observed]]:
        """Register the handler of the lines of a kind."""

        def register(handler: Callable[[Part, Row], Observed]) -> Callable[[Part, Row], Observed]:
            self.handlers[kind] = handler
            return handler

        return register


lines = Lines()
