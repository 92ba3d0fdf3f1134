# SPDX-License-Identifier: Apache-2.0
"""Where cells run: in one process beside this one, or on the workers of a Dask scheduler."""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

from vctx.pymodel.errors import ToolError, UsageError
from vctx.tb.campaign.cells import fingerprint
from vctx.tb.campaign.outcome import BROKEN, DIED, Outcome
from vctx.tb.campaign.runner import Done, Runner, Task
from vctx.tb.process.worker import without_main

_ASK_AGAIN = 2.0  # seconds for which the number of workers is taken as known
_WAIT = 30.0  # seconds for the scheduler to answer
_LEAST = 16  # tasks that are handed over at least
_EACH = 8  # tasks that are handed over for each worker; the scheduler keeps those that no worker is free for
# Of the scheduler that this process starts: a task that dies with its worker comes back to us at once, a worker that
# says nothing for a while counts as dead, and a worker gets one task at a time, so that no other dies with it.
CONFIG: dict[str, Any] = {
    "distributed.scheduler.allowed-failures": 0,
    "distributed.scheduler.worker-ttl": "30s",
    "distributed.scheduler.worker-saturation": 1.0,
    "distributed.worker.daemon": False,
    "distributed.worker.memory.terminate": False,
    "distributed.admin.tick.limit": "1h",
    "distributed.diagnostics.nvml": False,
}
LOST = "its worker was lost"


class Pool(Protocol):
    """Where cells run."""

    def room(self) -> int:
        """Return how many more tasks may be submitted now."""

    def submit(self, task: Task, avoid: str | None = None) -> None:
        """Hand over a task; to another worker than `avoid`, if there is one."""

    def wait(self) -> list[Done]:
        """Return what has come back; after a second at the latest, then perhaps nothing."""

    def drop(self) -> None:
        """Forget tasks that have not begun."""

    @property
    def outstanding(self) -> int:
        """Tasks that have not come back."""


class Alone:
    """One process, one cell at a time."""

    def __init__(self) -> None:
        self._runner = Runner("local")
        self._tasks: deque[Task] = deque()

    @property
    def outstanding(self) -> int:
        """See `Pool`."""
        return len(self._tasks)

    def room(self) -> int:
        """See `Pool`."""
        return 1 - len(self._tasks)

    def submit(self, task: Task, avoid: str | None = None) -> None:
        """See `Pool`; there is no other worker."""
        self._tasks.append(task)

    def wait(self) -> list[Done]:
        """See `Pool`; waits for the end of the cell."""
        return [self._runner.run(self._tasks.popleft())] if self._tasks else []

    def drop(self) -> None:
        """See `Pool`."""
        self._tasks.clear()

    def close(self) -> None:
        """End the process."""
        self._runner.stop()


class Cluster:
    """The workers of a Dask scheduler.

    Args:
        client: of `distributed`, connected.
    """

    def __init__(self, client: Any) -> None:
        self._client = client
        self._back: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._tasks: dict[tuple[str, str], tuple[Task, Any]] = {}
        self._known: list[str] = []
        self._asked = -_ASK_AGAIN

    @property
    def outstanding(self) -> int:
        """See `Pool`."""
        return len(self._tasks)

    def room(self) -> int:
        """See `Pool`."""
        return max(_LEAST, _EACH * len(self._workers())) - len(self._tasks)

    def submit(self, task: Task, avoid: str | None = None) -> None:
        """See `Pool`."""
        key = ("cell", f"{task.key}-{task.attempt}")  # one group to the scheduler
        others = [worker for worker in self._workers() if worker != avoid] if avoid else []
        where = {"workers": others, "allow_other_workers": True} if others else {}
        future = self._client.submit(work, task, key=key, pure=False, **where)
        self._tasks[key] = task, future
        future.add_done_callback(self._back.put)

    def wait(self) -> list[Done]:
        """See `Pool`."""
        futures = []
        with contextlib.suppress(queue.Empty):
            futures.append(self._back.get(timeout=1.0))
            while True:
                futures.append(self._back.get_nowait())
        ended = [future for future in futures if future.key in self._tasks]
        good = [future for future in ended if future.status == "finished"]
        done: list[Done] = self._client.gather(good) if good else []
        for future in ended:
            task, _ = self._tasks.pop(future.key)
            if future.status == "error":
                done.append(_without_result(task, future.exception()))
            elif future.status != "finished":
                done.append(Done(task, Outcome(DIED, log=f"{LOST}: {future.status}"), "", 0.0))
        return done

    def drop(self) -> None:
        """See `Pool`."""
        running = {key for keys in self._client.processing().values() for key in keys}
        for key, (_, future) in list(self._tasks.items()):
            if key not in running and not future.done():
                del self._tasks[key]
                future.cancel()

    def _workers(self) -> list[str]:
        if time.monotonic() - self._asked > _ASK_AGAIN:
            self._known = list(self._client.nthreads())
            self._asked = time.monotonic()
        return self._known


def _without_result(task: Task, error: BaseException) -> Done:
    """Return what a task comes to that raised, or whose worker died."""
    if type(error).__name__ == "KilledWorker":
        worker = getattr(error, "last_worker", None)
        address = getattr(worker, "address", "")
        return Done(task, Outcome(DIED, log=f"{LOST}: {address}"), address, 0.0)
    return Done(task, Outcome(BROKEN, log=f"{type(error).__name__}: {error}"), "", 0.0)


_runner: list[Runner] = []  # of this worker


def work(task: Task) -> Done:
    """Run a task: what a Dask worker does."""
    from distributed import get_worker

    address = get_worker().address
    if task.fingerprint != fingerprint():
        return Done(task, Outcome(BROKEN, log=f"{address} has other sources or tools than the campaign"), address, 0.0)
    if not _runner:
        _runner.append(Runner(address))
    return _runner[0].run(task)


@contextlib.contextmanager
def alone() -> Iterator[Pool]:
    """Provide one process."""
    pool = Alone()
    try:
        yield pool
    finally:
        pool.close()


@contextlib.contextmanager
def local(jobs: int, folder: Path) -> Iterator[Pool]:
    """Provide a scheduler and `jobs` workers on this machine; their files are in `folder`."""
    distributed = library()
    with quiet(), without_main():
        cluster = distributed.LocalCluster(
            n_workers=jobs,
            threads_per_worker=1,
            processes=True,
            dashboard_address="127.0.0.1:0",
            memory_limit=0,
            local_directory=str(folder),
            host="127.0.0.1",
            silence_logs=logging.CRITICAL,
        )
        with cluster, distributed.Client(cluster) as client:
            yield Cluster(client)


@contextlib.contextmanager
def remote(address: str) -> Iterator[Pool]:
    """Provide the workers of a scheduler that runs somewhere.

    Raises:
        UsageError: nobody answers there.
    """
    distributed = library()
    with quiet():
        try:
            client = distributed.Client(address, timeout=_WAIT)
        except (OSError, ValueError) as error:
            raise UsageError(f"--scheduler {address}: no Dask scheduler answers there ({error})") from error
        with client:
            yield Cluster(client)


def library() -> Any:
    """Return `distributed`, set up for campaigns.

    Raises:
        ToolError: it is not installed.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        import dask
        import distributed
    except ImportError as error:
        raise ToolError("no Dask: install it with `pip install 'vctx[campaign]'`") from error
    dask.config.set(CONFIG)
    return distributed


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Let Dask not speak of workers that come and go: the campaign does, where it matters."""
    log = logging.getLogger("distributed")
    before = log.level
    log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        log.setLevel(before)
