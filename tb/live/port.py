# SPDX-License-Identifier: Apache-2.0
"""The live port: where a recorder's events go to the RTL at once, instead of into a file.

The golden model is plain synchronous Python. Under cocotb it runs in a thread of its own (`cocotb.task.bridge`), and
each instruction that it executes for the block makes it wait there until the RTL has retired it (`cocotb.task.resume`).
One of the two runs at any time, so that the order of everything is that of the model.
"""

from __future__ import annotations

from types import TracebackType
from typing import Any

from cocotb.task import resume

from vctx.pymodel.trace import Checkpoint, Event, Insn, Sync, TraceWriter
from vctx.tb.replay.result import MismatchError
from vctx.tb.replay.step.replay import Replay


class LivePort:
    """A :class:`~pymodel.trace.recorder.Sink` that executes each event on the RTL, and checks it as it retires.

    Call :meth:`event` from a bridged function only. What the RTL did becomes a trace, `replay.config.observed`.

    Args:
        replay: the harts of the testbench, the RAM, and the comparison so far.
        header: of that trace.

    Example:
        with LivePort(replay, header) as port:
            await bridge(run_shared_unit)(config, Recorder(port, config.vlen // 8))
    """

    def __init__(self, replay: Replay, header: dict[str, Any]) -> None:
        self._replay = replay
        self._writer = TraceWriter(replay.config.observed, header)
        self._next = 0  # number of the next event
        self._waiting: list[tuple[int, Event]] = []  # stores and marks, which do nothing until the next instruction
        self._execute = resume(self._feed)

    @property
    def events(self) -> int:
        """How many came."""
        return self._next

    def event(self, event: Event) -> None:
        """Execute an event.

        Raises:
            MismatchError: the RTL departs from the model.
        """
        self._waiting.append((self._next, event))
        self._next += 1
        if isinstance(event, Insn | Checkpoint | Sync):
            self._execute()

    async def _feed(self) -> None:
        batch, self._waiting = self._waiting, []
        if batch:
            await self._replay.feed(batch, self._writer)
            if self._replay.stopped:
                raise MismatchError(self._replay.failures[0])

    async def flush(self) -> None:
        """Execute what still waits; a coroutine, for the end."""
        await self._feed()

    def __enter__(self) -> LivePort:
        self._writer.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        if kind is MismatchError:  # what was observed up to there is worth keeping
            kind = error = tb = None
        self._writer.__exit__(kind, error, tb)
