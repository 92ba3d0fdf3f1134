# SPDX-License-Identifier: Apache-2.0
"""What jobs of kernels set alike for the memory that they record on and replay from."""

from __future__ import annotations

from vctx.tb.replay.result import Latency

FILL = 0xA5  # every byte of RAM that nobody wrote

# Latency of the memory: up to ten cycles, and now and then a beat held back.
LATENCY = Latency(cycles=10, random=True, stall=24, xlat=3)
