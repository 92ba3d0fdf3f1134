# SPDX-License-Identifier: Apache-2.0
"""What is built: the block and a testbench around it, with their parameters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from vctx.pymodel.errors import UsageError
from vctx.pymodel.places import HDL, RTL

BATCH_HART = "vctx_tb_batch_hart"  # the module of a hart, and its instance, in a batch replay
BATCH_TOP = "vctx_tb_batch"
BLOCK_TOP = "vctx"  # the block itself
BATCH_HDL = HDL / "batch"
MIN_RAM = 1 << 20  # smallest RAM a testbench is built with, so that small traces share one build


@dataclass(frozen=True)
class Design:
    """What to build.

    Attributes:
        top: name of the top module.
        parameters: its parameters.
        sources: SystemVerilog files in compilation order.
        waves: able to dump waves.
    """

    top: str
    parameters: Mapping[str, int]
    sources: tuple[Path, ...]
    waves: bool = False

    @property
    def batch(self) -> bool:
        """Whether this is the testbench of a batch replay."""
        return self.top == BATCH_TOP


def rtl_sources(rtl: Path = RTL) -> tuple[Path, ...]:
    """Return the files of the block, packages first."""
    files = _in_order(rtl.glob("*.sv"))
    if not files:
        raise UsageError(f"no SystemVerilog files in {rtl}")
    return files


def _in_order(files: Iterable[Path]) -> tuple[Path, ...]:
    return tuple(sorted(files, key=lambda path: (not path.stem.endswith("_pkg"), path.name)))


def replay_design(
    vlen: int,
    dlen: int,
    harts: int,
    *,
    ram: int = MIN_RAM,
    has_v: bool = True,
    waves: bool = False,
    rtl: Path = RTL,
    batch: bool = False,
) -> Design:
    """Return the design of the replay testbench; `rtl` may be another copy of the block's directory."""
    capacity = 1 << (max(ram, MIN_RAM) - 1).bit_length()
    parameters = {"VLEN": vlen, "DLEN": dlen, "HasV": int(has_v), "NumHarts": harts, "RamBytes": capacity}
    hdl = _in_order([*HDL.glob("*.sv"), *(BATCH_HDL.glob("*.sv") if batch else ())])
    return Design(BATCH_TOP if batch else "vctx_tb", parameters, (*rtl_sources(rtl), *hdl), waves)


def block_design(vlen: int, dlen: int, *, waves: bool = False, rtl: Path = RTL) -> Design:
    """Return the design of the block alone, whose pins are Python's; `rtl` may be another copy of its directory."""
    return Design(BLOCK_TOP, {"VLEN": vlen, "DLEN": dlen, "HasV": 1}, rtl_sources(rtl), waves)
