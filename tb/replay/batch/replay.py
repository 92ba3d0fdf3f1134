# SPDX-License-Identifier: Apache-2.0
"""The cocotb test of a batch replay: a coroutine leads the testbench through a trace, a chunk at a time.

While the testbench works on one chunk, a thread beside the simulation compares those before it and encodes those after
it, up to `_AHEAD` of each, so that neither waits for the other. Memory holds a few chunks, however long the trace.

`tb.replay.launch.replay` starts it in a simulator; the environment variable VCTX_REPLAY names its `ReplayConfig`.
"""

from __future__ import annotations

import gc
import sys
import time
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cocotb

from vctx.pymodel.trace import TraceError
from vctx.tb.process.files import same_file
from vctx.tb.replay.batch.compare import Comparison
from vctx.tb.replay.batch.engine import Engine, patience
from vctx.tb.replay.batch.files import OUTPUTS, Files, Stream
from vctx.tb.replay.batch.reading import Chunk, Reading
from vctx.tb.replay.batch.stimulus import REC_END, REC_STOP, config_record, mark_record
from vctx.tb.replay.memory import DUMP_FILE, read_dump
from vctx.tb.replay.progress import Progress
from vctx.tb.replay.report import mismatch_at
from vctx.tb.replay.result import Mismatch, MismatchError, ReplayConfig, ReplayResult

_FOUR_STATE = frozenset({"icarus"})
_AHEAD = 2  # chunks that wait for the testbench, or for their comparison
_TURN = 0.0001  # seconds after which the thread lets the simulator have its turn
_GARBAGE = 100_000  # new objects after which Python looks for cycles, of which there are none; that is slow


class StoppedError(Exception):
    """The testbench stopped without a reason that the records show."""


class BatchReplay:
    """One replay.

    Args:
        top: handle of the testbench.

    Attributes:
        result: what is known of it so far.
    """

    def __init__(self, config: ReplayConfig, top: Any) -> None:
        self.result = ReplayResult.begin(config)
        self._config = config
        self._engine = Engine(top)
        self._reading = Reading(config, self._compare_next)
        self._streams = {name: Stream() for name in OUTPUTS}
        sources = {name: stream.take for name, stream in self._streams.items()}
        self._comparison = Comparison(config, sources, self.result, four_state=config.sim in _FOUR_STATE)
        self._progress = Progress(config)
        self._files = [Files() for _ in range(_AHEAD + 1)]
        self._started = 0  # chunks
        self._verdicts: deque[Future[Mismatch | None]] = deque()  # on chunks, in their order
        self._pending: deque[tuple[Chunk, Files, Future[Mismatch | None]]] = deque()  # those that are not given yet
        self._settled = False  # nothing that follows means anything

    async def run(self) -> None:
        """Replay the whole trace.

        Raises:
            MismatchError: RTL and trace differ. TraceError: the trace is bad, and agrees so far.
            StoppedError, StuckError: the testbench has failed.
        """
        (Path(self._config.out_dir) / DUMP_FILE).unlink(missing_ok=True)
        if self._config.waves_from == 0:
            self._engine.dump()
        elif self._config.waves_from is not None:
            cocotb.start_soon(self._engine.dump_from(self._config.waves_from))
        cocotb.start_soon(self._engine.watch(patience(self._config)))
        with ThreadPoolExecutor(1) as beside:
            try:
                await self._chunks(beside)
            except EOFError:
                if self._comparison.departed is None:
                    raise StoppedError("the testbench stopped before the trace did") from None
                self.result.notes.append(f"the RTL gave up; what is behind event {self.result.events} was not compared")
                raise MismatchError(self._comparison.departed) from None
            finally:
                self._reading.give_up()
                if self._reading.names is not None:
                    self._reading.names.write(Path(self._config.out_dir))
                self.result.compared = beside.submit(time.thread_time).result()
        self._conclude()
        for files in self._files:
            files.close()

    async def _chunks(self, beside: ThreadPoolExecutor) -> None:
        """Hand over one chunk after the other, and the end, and have them compared."""
        more = True
        ahead = deque(beside.submit(self._reading.next) for _ in range(_AHEAD))
        while more and (chunk := self._next(ahead.popleft())) is not None:
            self._judge(_AHEAD)
            files = self._start(chunk.records, mark_record(REC_STOP) if chunk.cut else b"")
            ahead.append(beside.submit(self._reading.next))
            more = await self._engine.done()
            self._verdicts.append(Future())
            self._pending.append((chunk, files, self._verdicts[-1]))
            beside.submit(self._compare_next)
        if more:
            files = self._start(mark_record(REC_END))
            await self._engine.done()
            self._take(files)
        self._judge(0)
        mismatch = self._comparison.surplus()
        if mismatch is not None:
            raise MismatchError(mismatch)
        if not more:
            raise EOFError

    def _next(self, ahead: Future[Chunk | None]) -> Chunk | None:
        """Return the next chunk; if the trace is bad there, what comes before must still agree."""
        try:
            return ahead.result()
        except TraceError:
            self._judge(0)
            raise

    def _start(self, *records: bytes | memoryview) -> Files:
        """Start a chunk, and return its files. Those of the chunks before it may not have been read yet."""
        files = self._files[self._started % len(self._files)]
        files.put(*([config_record(self._config)] if self._started == 0 else []), *records)
        self._engine.start(files)
        self._started += 1
        return files

    def _judge(self, left: int) -> None:
        """Wait for the verdicts on all chunks but the last `left` ones."""
        while len(self._verdicts) > left:
            mismatch = self._verdicts.popleft().result()
            if mismatch is not None:
                raise MismatchError(mismatch)

    def _take(self, files: Files) -> None:
        for name, stream in self._streams.items():
            stream.add(files.get(name))

    def _compare_next(self) -> bool:
        """Compare the next chunk, if there is one; on the thread beside the simulation."""
        if not self._pending:
            return False
        chunk, files, verdict = self._pending.popleft()
        try:
            verdict.set_result(self._compare(chunk, files))
        except BaseException as error:
            verdict.set_exception(error)
        return True

    def _compare(self, chunk: Chunk, files: Files) -> Mismatch | None:
        """Compare a chunk, unless an earlier one has settled everything."""
        if self._settled:
            return None
        self._settled = True  # unless it agrees
        self._take(files)
        mismatch = self._comparison.chunk(chunk.frames, chunk.stimulus)
        if mismatch is None:
            self._settled = False
            self._progress(self.result.events)
        return mismatch

    def _conclude(self) -> None:
        """Compare RAM, and keep the trace as what was observed: every record was found equal."""
        found = self._comparison.image.differences(read_dump(Path(self._config.out_dir) / DUMP_FILE))
        if self._comparison.departed is not None:
            if found:
                self.result.notes.append(f"{len(found)} bytes of memory differ at the end")
            raise MismatchError(self._comparison.departed)
        if found:
            raise MismatchError(mismatch_at(self.result.events, "ram", found, command=self._config.command))
        same_file(Path(self._config.trace), self._config.observed)

    def finish(self) -> None:
        """Put the accounts into the result."""
        self._comparison.finish()


@cocotb.test()
async def replay(dut: Any) -> None:
    """Replay the configured trace on `vctx_tb_batch`."""
    sys.setswitchinterval(_TURN)
    gc.set_threshold(_GARBAGE, *gc.get_threshold()[1:])
    started = time.perf_counter()
    config = ReplayConfig.given()
    replay = BatchReplay(config, dut)
    result = replay.result
    try:
        await replay.run()
        result.ok = True
    except MismatchError as error:
        result.mismatch = error.mismatch
        raise
    except TraceError as error:
        result.error = str(error)
        raise
    finally:
        if result.ok or result.mismatch is not None or result.error is not None:
            if result.error is None:
                replay.finish()
                result.observed = str(config.observed)
            result.seconds = time.perf_counter() - started
            result.write(config.result)
