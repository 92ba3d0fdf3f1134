# SPDX-License-Identifier: Apache-2.0
"""The image of RAM that a batch replay must end with, written in runs of bytes."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from vctx.pymodel.trace import PAGE_SHIFT, PAGE_SIZE, Difference
from vctx.pymodel.trace.bulk import Array, Runs
from vctx.tb.replay.memory import GoldenImage


class FlatImage:
    """What RAM must hold, as one array. Pages that are never written cost nothing."""

    def __init__(self, base: int, size: int, fill: int) -> None:
        self._base = base
        self._fill = fill
        self._bytes = bytearray(size)  # zeros that the operating system provides only when they are touched
        self._written = np.zeros(-(-size // PAGE_SIZE), bool)

    def write(self, raw: Array, runs: Runs) -> None:
        """Write runs of a byte array in their order; bytes outside RAM have nowhere to go."""
        first = runs.addr - self._base
        last = first + runs.length
        inside = (first >= 0) & (last <= len(self._bytes))
        start = runs.start
        if not inside.all():
            start = start + np.maximum(-first, 0)
            first, last = np.clip(first, 0, None), np.clip(last, None, len(self._bytes))
        keep = last > first
        self._open_pages(first[keep], last[keep])
        places = list(zip(first[keep].tolist(), last[keep].tolist(), strict=True))
        starts = start[keep].tolist()
        image, data = self._bytes, raw.data
        # Of writes to the same place only the last one counts, wherever it stands among the others.
        for number in sorted(dict(zip(places, range(len(places)), strict=True)).values()):
            low, high = places[number]
            source = starts[number]
            image[low:high] = data[source : source + high - low]

    def _open_pages(self, first: np.ndarray, last: np.ndarray) -> None:
        """Fill the pages that are written for the first time."""
        new = np.zeros(len(self._written) + 1, np.int64)
        np.add.at(new, first >> PAGE_SHIFT, 1)
        np.add.at(new, ((last - 1) >> PAGE_SHIFT) + 1, -1)
        for page in np.flatnonzero((np.cumsum(new[:-1]) > 0) & ~self._written).tolist():
            start = page << PAGE_SHIFT
            size = min(PAGE_SIZE, len(self._bytes) - start)
            self._bytes[start : start + size] = bytes([self._fill]) * size
            self._written[page] = True

    def differences(self, image: Mapping[int, str]) -> list[Difference]:
        """See `GoldenImage.differences`."""
        golden = GoldenImage(self._fill)
        for page in np.flatnonzero(self._written).tolist():
            start = page << PAGE_SHIFT
            golden.store(self._base + start, bytes(self._bytes[start : start + PAGE_SIZE]))
        return golden.differences(image)
