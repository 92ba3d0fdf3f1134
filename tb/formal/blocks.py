# SPDX-License-Identifier: Apache-2.0
"""Every block that is proven, with its properties."""

from __future__ import annotations

from vctx.tb.formal.instruction import DECODE, LEGAL, VSET
from vctx.tb.formal.memory import BURST, LSU
from vctx.tb.formal.property import Block
from vctx.tb.formal.state import CORE, CSR, CTRL, STATUS
from vctx.tb.formal.units import UNITS

BLOCKS: tuple[Block, ...] = (STATUS, CSR, CTRL, DECODE, LEGAL, VSET, BURST, LSU, UNITS, CORE)
