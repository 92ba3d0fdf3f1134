# SPDX-License-Identifier: Apache-2.0
"""All that is asked about the properties of a block, and what comes of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from pathlib import Path

from vctx.tb.formal.property import Block, Property
from vctx.tb.formal.solve import Answer, Question, Solver

_STATUS = {"PASS": "proven", "FAIL": "fails", "UNKNOWN": "no induction", "TIMEOUT": "no answer in time"}


@dataclass(frozen=True)
class Verdict:
    """What is known of a property at a corner.

    Attributes:
        block, rule, corner: which property and where; the corner is `any` where the block has no such parameter.
        status: proven; or fails, at a step from reset; or no induction, or no answer in time.
        k, seconds: of the proof of the block, all its properties together.
        killed: the step from reset at which the mutant breaks it; None if it does not.
        reached: the step at which the cover is reached; None if it is not.
    """

    block: Block
    rule: Property
    corner: str
    status: str
    k: int
    seconds: float
    killed: int | None
    reached: int | None

    @property
    def good(self) -> bool:
        """Whether it is proven, and says something."""
        return self.status == "proven" and self.killed is not None and self.reached is not None

    def row(self) -> dict[str, object]:
        """Return it as JSON has it."""
        return {
            "block": self.block.name,
            "property": self.rule.name,
            "items": self.rule.items.split(", "),
            "says": self.rule.says,
            "corner": self.corner,
            "verdict": self.status,
            "k": self.k,
            "seconds": round(self.seconds, 1),
            "mutant_killed_at": self.killed,
            "cover_reached_at": self.reached,
        }


def check(
    solver: Solver, pool: Executor, out: Path, block: Block, parameters: Mapping[str, int], names: frozenset[str]
) -> Callable[[], list[Verdict]]:
    """Ask about the properties `names` of a block, with which all others are proven. Return what waits for answers."""
    corner = "/".join(str(value) for value in parameters.values()) or "any"
    folder = out / block.name / corner.replace("/", "-")

    def ask(name: str, question: Question) -> Future[Answer]:
        return pool.submit(solver.ask, folder / name, question)

    wanted = [prop for prop in block.properties if prop.name in names]

    def question(mode: str, depth: int, rule: Property | None = None) -> Question:
        only, mutant = (f"p_{rule.name}", rule.mutant) if rule else ("", None)
        return Question(mode, block.top, parameters, depth, only, mutant, block.without)

    proof = ask("prove", question("prove", block.depth))
    cover = ask("cover", question("cover", block.reach))
    mutants = [ask(f"mutant-{prop.name}", question("bmc", block.reach, prop)) for prop in wanted]

    def verdicts() -> list[Verdict]:
        proven, covered = proof.result(), cover.result()
        found = []
        for prop, mutant in zip(wanted, mutants, strict=True):
            label = f"p_{prop.name}"
            others = "not shown, as another fails" if proven.status == "FAIL" else _STATUS[proven.status]
            found.append(
                Verdict(
                    block=block,
                    rule=prop,
                    corner=corner,
                    status=f"fails at {proven.steps[label]}" if label in proven.steps else others,
                    k=proven.k,
                    seconds=proven.seconds,
                    killed=mutant.result().steps.get(label),
                    reached=covered.steps.get(f"c_{prop.name}"),
                )
            )
        return found

    return verdicts
