# SPDX-License-Identifier: Apache-2.0
"""What is proven: blocks, their properties, and the bug that each property must find.

Block b stands in formal/formal_b.sv: the module of the RTL with free inputs, and what may be assumed of them. Its
property p is the assertion `p_p`; `c_p` is the cover that shows that what it speaks of happens.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from vctx.pymodel.places import ROOT

FORMAL = ROOT / "formal"
CORNERS = ((128, 64), (256, 128))  # VLEN, DLEN


@dataclass(frozen=True)
class Mutant:
    """A bug: in `file` of the RTL, `old`, which occurs once, becomes `new`."""

    file: str
    old: str
    new: str

    def apply(self, rtl: Path) -> None:
        """Put it into the copy of the RTL in the folder `rtl`."""
        path = rtl / self.file
        text = path.read_text()
        if text.count(self.old) != 1:
            raise ValueError(f"{self.file}: {self.old!r} occurs {text.count(self.old)} times")
        path.write_text(text.replace(self.old, self.new))


@dataclass(frozen=True)
class Property:
    """A rule that holds in every state that can be reached.

    Attributes:
        name: of its assertion and its cover.
        items: of the specification.
        says: the rule.
        mutant: what it must find.
    """

    name: str
    items: str
    says: str
    mutant: Mutant


@dataclass(frozen=True)
class Block:
    """What is proven together; each property may help the proof of the others.

    Attributes:
        name: of formal/formal_<name>.sv.
        parameters: those of VLEN and DLEN that it depends on.
        properties: all of them.
        depth: of the induction, at most.
        without: modules whose outputs are free, but for what the block assumes of them.
        reach: in how many cycles from reset each mutant shows, and each cover is reached.
    """

    name: str
    parameters: tuple[str, ...]
    properties: tuple[Property, ...]
    depth: int = 5
    reach: int = 8
    without: tuple[str, ...] = ()

    @property
    def top(self) -> str:
        """The module."""
        return f"formal_{self.name}"

    def corners(self) -> tuple[dict[str, int], ...]:
        """Return the parameters of each proof: one proof where neither matters."""
        corners = [{"VLEN": vlen, "DLEN": dlen} for vlen, dlen in CORNERS]
        of_block = [{name: corner[name] for name in self.parameters} for corner in corners]
        return tuple(corner for index, corner in enumerate(of_block) if corner not in of_block[:index])
