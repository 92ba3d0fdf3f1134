"""The architecture: a golden hart, its instruction and CSR tables, and memory. See docs/isa.md."""

from pymodel.isa.csr_numbers import Csr
from pymodel.isa.encoding import Decoded, decode, disassemble, encode
from pymodel.isa.errors import Cause, HartError, MemoryRangeError, UnexpectedTrap
from pymodel.isa.hart import Hart, HartConfig
from pymodel.isa.latitude import Latitude
from pymodel.isa.memory import Memory
from pymodel.isa.observer import Observer

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
