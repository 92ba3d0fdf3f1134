# SPDX-License-Identifier: Apache-2.0
"""The architecture: a golden hart, its instruction and CSR tables, and memory. See docs/isa.md."""

from vctx.pymodel.isa.csr_numbers import Csr
from vctx.pymodel.isa.encoding import Decoded, decode, disassemble, encode
from vctx.pymodel.isa.errors import Cause, HartError, MemoryRangeError, UnexpectedTrap
from vctx.pymodel.isa.hart import Hart
from vctx.pymodel.isa.latitude import Latitude
from vctx.pymodel.isa.memory import Memory
from vctx.pymodel.isa.observer import Observer
from vctx.pymodel.isa.registers import HartConfig

__all__ = [
    "Cause",
    "Csr",
    "Decoded",
    "Hart",
    "HartConfig",
    "HartError",
    "Latitude",
    "Memory",
    "MemoryRangeError",
    "Observer",
    "UnexpectedTrap",
    "decode",
    "disassemble",
    "encode",
]
