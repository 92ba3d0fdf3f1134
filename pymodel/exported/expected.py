# SPDX-License-Identifier: Apache-2.0
"""What an exported program does on the golden hart: its commit log, its signature, and where it failed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from vctx.pymodel.errors import VctxError
from vctx.pymodel.exported.runner import FAILED
from vctx.pymodel.isa.commit import CSR_NAMES
from vctx.pymodel.programs import read_elf
from vctx.pymodel.scenarios.bare_metal import run_bare_metal
from vctx.pymodel.trace import Issue, Retire
from vctx.pymodel.trace.commit_log import CommitLog
from vctx.pymodel.trace.records import Commit

LIMIT = 1_000_000_000  # instructions and traps; every program ends, so this is never reached


class ExportError(VctxError):
    """A program does not repeat what it was made of."""


@dataclass
class Outcome:
    """How a program ended.

    Attributes:
        exit_code: 0 if all was as it had to be.
        instructions, traps: how many it executed and took.
        events: commits and traps, as many as a log has entries.
        signature: what it left there.
        failed: the first records that failed: address of each, and the fold that it found.
    """

    exit_code: int
    instructions: int
    traps: int
    events: int
    signature: int
    failed: list[tuple[int, int]]


class _Witness:
    """Watches what the program stores to its own state."""

    def __init__(self, signature: int, failed: int | None) -> None:
        self.signature = 0
        self.failed: list[int] = []
        self._at = signature
        self._failed = range(failed, failed + 16 * FAILED) if failed is not None else range(0)

    def insn(self, hart_id: int, pc: int, issue: Issue, retire: Retire) -> None:
        """See `pymodel.isa.Observer`."""

    def store(self, hart_id: int, paddr: int, data: bytes) -> None:
        """See `pymodel.isa.Observer`."""
        if paddr == self._at:
            self.signature = int.from_bytes(data, "little")
        elif paddr in self._failed:
            self.failed.append(int.from_bytes(data, "little"))


class _Counted(CommitLog):
    """A commit log that counts its entries."""

    events = 0

    def commit(self, commit: Commit) -> None:
        """Write the line of an instruction."""
        self.events += 1
        super().commit(commit)

    def trap(self, hart: int, epc: int, cause: int, tval: int) -> None:
        """Write the lines of a trap."""
        self.events += 1
        super().trap(hart, epc, cause, tval)


def run(elf: Path, vlen: int, log: Path | None = None) -> Outcome:
    """Run a program on the golden hart, and write its commit log to `log`.

    Raises:
        VctxError: see `pymodel.scenarios.bare_metal.run_bare_metal`.
    """
    image = read_elf(elf.name, elf)
    witness = _Witness(image.symbols["signature"], image.symbols.get("failed"))
    if log is None:
        ended, events = run_bare_metal(image, vlen, witness, limit=LIMIT), 0
    else:
        with log.open("w") as file:
            commits = _Counted(file, CSR_NAMES)
            ended = run_bare_metal(image, vlen, witness, commits, limit=LIMIT)
        events = commits.events
    failed = list(zip(witness.failed[::2], witness.failed[1::2], strict=True))
    return Outcome(ended.exit_code, ended.instructions, ended.traps, events, witness.signature, failed)
