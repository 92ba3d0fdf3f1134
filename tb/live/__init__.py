# SPDX-License-Identifier: Apache-2.0
"""The golden hypervisor live: each of its instructions goes to the RTL as it executes, with no trace in between."""

from vctx.tb.live.block import BlockPort
from vctx.tb.live.kernel import LiveKernel
from vctx.tb.live.port import LivePort

__all__ = ["BlockPort", "LiveKernel", "LivePort"]
