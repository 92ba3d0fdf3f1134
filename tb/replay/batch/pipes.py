# SPDX-License-Identifier: Apache-2.0
"""The pipes between a batch replay and its simulator, all served by one thread.

Whenever it waits for one of them it also takes what the others hold and gives what is left to give. So the simulator
never waits for long, no side waits for a side that waits for it, and no threads have to take turns.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import time
from collections import deque
from collections.abc import Sequence

STIMULUS = "stim"
_PIPE = 1 << 20  # bytes
_BUFFER = 1 << 20  # bytes, at first
_NAP = 0.001  # seconds between two looks: a pipe lasts ten times as long, and each look costs as much as some comparing
_ROOM = 1 << 16  # bytes that a read should find room for


class Pipes:
    """One pipe to the simulator, and one from it for each of its outputs.

    Attributes:
        arguments: name them on the simulator's command line.
        theirs: the ends that the simulator must inherit.
    """

    def __init__(self, outputs: Sequence[str]) -> None:
        theirs, self._stimulus = _pipe()
        self.theirs = [theirs]
        self.arguments = [f"+{STIMULUS}=/dev/fd/{theirs}"]
        os.set_blocking(self._stimulus, False)
        self._queue: deque[memoryview] = deque()  # what has to be sent yet
        self._over = False  # nothing more will be
        self._stimulus_open = True
        self._poll = select.poll()
        self._outputs: dict[str, _Output] = {}
        self._by_fd: dict[int, _Output] = {}
        for name in outputs:
            ours, theirs = _pipe()
            self.theirs.append(theirs)
            self.arguments.append(f"+{name}=/dev/fd/{theirs}")
            os.set_blocking(ours, False)
            self._poll.register(ours, select.POLLIN)
            self._outputs[name] = self._by_fd[ours] = _Output(ours)

    def started(self) -> None:
        """The simulator has its ends: close them here, so that its end shows."""
        while self.theirs:
            os.close(self.theirs.pop())

    def send(self, data: bytes | memoryview) -> None:
        """Send stimulus; what the pipe does not hold follows later."""
        if not self._over:
            if not self._queue:
                self._poll.register(self._stimulus, select.POLLOUT)
            self._queue.append(memoryview(data))
            self._serve(0)

    def end(self, *, at_once: bool = False) -> None:
        """Send no more: the simulator finds the end of its stimulus after what was sent, or at once."""
        self._over = True
        if at_once:
            self._queue.clear()
        if not self._queue:
            self._close_stimulus()

    def take(self, name: str, size: int) -> bytes:
        """Return the next `size` bytes of an output, fewer only at its end."""
        output = self._outputs[name]
        self._serve(0)
        while output.held < size and not output.ended:
            time.sleep(_NAP)
            self._serve(None)
        return output.take(size)

    def drain(self) -> None:
        """Throw away whatever still comes, until the simulator ends."""
        while not all(output.ended for output in self._outputs.values()):
            for output in self._outputs.values():
                output.take(output.held)
            self._serve(None)

    def close(self) -> None:
        """Close everything that is open yet."""
        self.started()
        self.end(at_once=True)
        for output in self._outputs.values():
            output.close()

    def _serve(self, timeout: int | None) -> None:
        """Read and write what can be; wait until something can be, or for `timeout` milliseconds."""
        for fd, _ in self._poll.poll(timeout):
            output = self._by_fd.get(fd)
            if output is None:
                self._write()
            elif not output.read():
                self._poll.unregister(fd)
                output.close()

    def _write(self) -> None:
        queue = self._queue
        try:
            while queue:
                queue[0] = queue[0][os.write(self._stimulus, queue[0]) :]
                if not queue[0]:
                    queue.popleft()
        except BlockingIOError:
            return
        except BrokenPipeError:  # the simulator has ended; what it wrote tells why
            queue.clear()
        if self._over:
            self._close_stimulus()
        else:
            self._poll.unregister(self._stimulus)

    def _close_stimulus(self) -> None:
        if self._stimulus_open:
            self._stimulus_open = False
            with contextlib.suppress(KeyError):  # nothing waits to be written
                self._poll.unregister(self._stimulus)
            os.close(self._stimulus)


class _Output:
    """What came from one pipe and was not taken yet."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._buffer = bytearray(_BUFFER)
        self._first = self._last = 0
        self.ended = False

    @property
    def held(self) -> int:
        """Number of bytes that are there."""
        return self._last - self._first

    def read(self) -> bool:
        """Read what the pipe holds; return False at its end."""
        if len(self._buffer) - self._last < _ROOM:
            self._make_room()
        count = os.readv(self._fd, [memoryview(self._buffer)[self._last :]])
        self._last += count
        return count > 0

    def _make_room(self) -> None:
        held = self._buffer[self._first : self._last]
        if len(held) > len(self._buffer) // 2:
            self._buffer = bytearray(2 * len(self._buffer))
        self._buffer[: len(held)] = held
        self._first, self._last = 0, len(held)

    def take(self, size: int) -> bytes:
        """Return the first `size` bytes, or all if there are fewer."""
        first = self._first
        self._first = min(first + size, self._last)
        out = bytes(memoryview(self._buffer)[first : self._first])
        if self._first == self._last:
            self._first = self._last = 0
        return out

    def close(self) -> None:
        """Close the pipe."""
        if not self.ended:
            os.close(self._fd)
        self.ended = True


def _pipe() -> tuple[int, int]:
    """Return a pipe as long as the system allows: the simulator should not wait for Python to take turns."""
    read, write = os.pipe()
    with contextlib.suppress(OSError):  # more than this user may have
        fcntl.fcntl(write, fcntl.F_SETPIPE_SZ, _PIPE)
    return read, write
