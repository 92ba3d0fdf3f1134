# SPDX-License-Identifier: Apache-2.0
"""What is built: the block and a testbench around it, with their parameters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from vctx.pymodel.errors import UsageError
from vctx.pymodel.places import HDL, RTL
from vctx.tb.simulators.filelist import OwnStatus

BATCH_HART = "vctx_tb_batch_hart"  # the module of a hart, and its instance, in a batch replay
BATCH_TOP = "vctx_tb_batch"
BLOCK_TOP = "vctx"  # the block itself
BATCH_HDL = HDL / "batch"
STATUS = "vctx_status.sv"  # of the block, for which a team may have a module of its own
OWN_STATUS = HDL / "own" / STATUS  # which has that in it
MIN_RAM = 1 << 20  # smallest RAM a testbench is built with, so that small traces share one build


@dataclass(frozen=True)
class Design:
    """What to build.

    Attributes:
        top: name of the top module.
        parameters: its parameters.
        sources: SystemVerilog files in compilation order.
        waves: able to dump waves.
        status: what is in the place of vctx_status; None for itself. Its files are among the sources.
    """

    top: str
    parameters: Mapping[str, int]
    sources: tuple[Path, ...]
    waves: bool = False
    status: OwnStatus | None = None

    @property
    def batch(self) -> bool:
        """Whether this is the testbench of a batch replay."""
        return self.top == BATCH_TOP

    @property
    def own_flags(self) -> tuple[str, ...]:
        """Options of a compiler, the same for both simulators: what the files of `status` need."""
        if self.status is None:
            return ()
        defines = (f"VCTX_OWN_STATUS={self.status.top}", *self.status.files.defines)
        return (*(f"-D{each}" for each in defines), *(f"-I{folder}" for folder in self.status.files.includes))

    @property
    def headers(self) -> tuple[Path, ...]:
        """Files that the sources include."""
        return () if self.status is None else self.status.files.headers()


def rtl_sources(rtl: Path = RTL) -> tuple[Path, ...]:
    """Return the files of the block, packages first."""
    files = _in_order(rtl.glob("*.sv"))
    if not files:
        raise UsageError(f"no SystemVerilog files in {rtl}")
    return files


def _with_own(sources: tuple[Path, ...], own: OwnStatus | None) -> tuple[Path, ...]:
    """Return the files of the block with `own` in the place of its status registers; in front, what others may need."""
    if own is None:
        return sources
    packages = [path for path in sources if path.stem.endswith("_pkg")]
    rest = [path for path in sources if path not in packages and path.name != STATUS]
    place = () if own.top == OWN_STATUS.stem else (OWN_STATUS,)
    return (*packages, *own.files.sources, *rest, *place)


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
    status: OwnStatus | None = None,
    batch: bool = False,
) -> Design:
    """Return the design of the replay testbench.

    Args:
        rtl: another copy of the block's directory. status: what is in the place of its status registers.

    Raises:
        UsageError: `status` without vectors.
    """
    if status is not None and not has_v:
        raise UsageError(f"--design {status.files.path}: recorded on a hart without vectors, where VS is always Off")
    capacity = 1 << (max(ram, MIN_RAM) - 1).bit_length()
    parameters = {"VLEN": vlen, "DLEN": dlen, "HasV": int(has_v), "NumHarts": harts, "RamBytes": capacity}
    hdl = _in_order([*HDL.glob("*.sv"), *(BATCH_HDL.glob("*.sv") if batch else ())])
    sources = (*_with_own(rtl_sources(rtl), status), *hdl)
    return Design(BATCH_TOP if batch else "vctx_tb", parameters, sources, waves, status)


def block_design(vlen: int, dlen: int, *, waves: bool = False, rtl: Path = RTL) -> Design:
    """Return the design of the block alone, whose pins are Python's; `rtl` may be another copy of its directory."""
    return Design(BLOCK_TOP, {"VLEN": vlen, "DLEN": dlen, "HasV": 1}, rtl_sources(rtl), waves)
