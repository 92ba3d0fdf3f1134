# SPDX-License-Identifier: Apache-2.0
"""How a chunk gets into the testbench, and what it wrote gets out: files in memory."""

from __future__ import annotations

import os

STIMULUS = "stim"
OUTPUTS = ("obs", "vregs", "reads", "writes")  # of the testbench
_DESCRIPTOR_BITS = 32


class Files:
    """The files of one chunk: one for its stimulus, and one for each output of the testbench.

    Pipes would do, too, but the simulator that waits for one holds up Python, which is to serve it.
    """

    def __init__(self) -> None:
        self._all = [os.memfd_create(name) for name in (STIMULUS, *OUTPUTS)]

    def vector(self) -> int:
        """Return the descriptors as the testbench is told them, 32 bits each, the first lowest."""
        return sum(file << _DESCRIPTOR_BITS * number for number, file in enumerate(self._all))

    def put(self, *parts: bytes | memoryview) -> None:
        """Store the stimulus."""
        file = self._all[0]
        position = 0
        for part in parts:
            rest = memoryview(part)
            while rest:
                written = os.pwrite(file, rest, position)
                position += written
                rest = rest[written:]
        os.ftruncate(file, position)

    def get(self, name: str) -> bytes:
        """Return what the testbench has written to one of its outputs."""
        file = self._all[1 + OUTPUTS.index(name)]
        size = os.fstat(file).st_size
        data = os.pread(file, size, 0)
        while len(data) < size:
            data += os.pread(file, size - len(data), len(data))
        return data

    def close(self) -> None:
        """Free the memory."""
        for file in self._all:
            os.close(file)


class Stream:
    """What came from one output, chunk after chunk, and was not taken yet."""

    def __init__(self) -> None:
        self._held = b""

    def add(self, data: bytes) -> None:
        """Append what a chunk wrote."""
        self._held = self._held + data if self._held else data

    def take(self, size: int) -> bytes:
        """Return the first `size` bytes, or all if there are fewer."""
        out, self._held = self._held[:size], self._held[size:]
        return out
