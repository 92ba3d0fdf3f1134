"""The knobs of a co-simulation: their defaults, what is allowed, and one clear error for everything else."""

from __future__ import annotations

from dataclasses import dataclass

from vctx.pymodel.errors import UsageError
from vctx.pymodel.kvm.version import versions
from vctx.pymodel.trace.header import MAX_HARTS

SIMULATORS = ("verilator", "icarus")
DEFAULT_SIM = "verilator"
VLENS = (128, 256, 512, 1024, 2048, 4096)
DLENS = (64, 128, 256, 512, 1024)  # and at most VLEN; AXI4 ends at 1024
MAX_VCPUS = 32
DEFAULT_DLEN = 128


def one_of(knob: str, value: object, allowed: tuple[object, ...]) -> None:
    """Raise UsageError, with what is allowed, unless `value` is."""
    if value not in allowed:
        raise UsageError(f"{knob}={value}: must be one of {', '.join(map(str, allowed))}")


def between(knob: str, value: int, low: int, high: int) -> None:
    """Raise UsageError, with what is allowed, unless `value` is from `low` to `high`."""
    if not low <= value <= high:
        raise UsageError(f"{knob}={value}: must be from {low} to {high}")


@dataclass(frozen=True)
class Knobs:
    """A checked set of knobs.

    Attributes:
        sim: simulator, one of SIMULATORS.
        vlen: register width in bits.
        dlen: datapath and bus width in bits, one of DLENS and at most VLEN.
        seed: master seed; every random choice derives from it.
        harts, vcpus: how many of each take part.
        kernel: kernel version, one of `pymodel.kvm.version.versions`.

    Raises:
        UsageError: a value is not allowed; the message lists what is.
    """

    sim: str = DEFAULT_SIM
    vlen: int = 256
    dlen: int = DEFAULT_DLEN
    seed: int = 1
    harts: int = 2
    vcpus: int = 4
    kernel: str = "v6.5"

    def __post_init__(self) -> None:
        one_of("SIM", self.sim, SIMULATORS)
        one_of("VLEN", self.vlen, VLENS)
        dlens = tuple(d for d in DLENS if d <= self.vlen)
        if self.dlen not in dlens:
            raise UsageError(f"DLEN={self.dlen}: with VLEN={self.vlen} it must be one of {', '.join(map(str, dlens))}")
        between("SEED", self.seed, 0, 2**32 - 1)
        between("HARTS", self.harts, 1, MAX_HARTS)
        between("VCPUS", self.vcpus, 1, MAX_VCPUS)
        one_of("KERNEL", self.kernel, tuple(versions))
