# SPDX-License-Identifier: Apache-2.0
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
LINUX_VLENS = (128, 256, 512, 1024)  # what QEMU offers
LINUX_HARTS = (1, 2, 3, 4)
MAX_STEPS = 100_000  # of `vctx linux-kvm`
MAX_VCPUS = 32
DEFAULT_DLEN = 128

_RANGES = {"SEED": (0, 2**32 - 1), "HARTS": (1, MAX_HARTS), "VCPUS": (1, MAX_VCPUS)}
_CHOICES: dict[str, tuple[object, ...]] = {"SIM": SIMULATORS, "VLEN": VLENS, "KERNEL": tuple(versions)}


def choice(allowed: tuple[object, ...]) -> str:
    """Say which values are allowed."""
    return f"one of {', '.join(map(str, allowed))}"


def span(low: int, high: int) -> str:
    """Say from where to where values are allowed."""
    return f"from {low} to {high}"


ALLOWED = {
    **{knob: choice(allowed) for knob, allowed in _CHOICES.items()},
    "DLEN": f"{choice(DLENS)}, and not above VLEN",
    **{knob: span(*limits) for knob, limits in _RANGES.items()},
}
"""What each knob may be, in words."""


def one_of(knob: str, value: object, allowed: tuple[object, ...]) -> None:
    """Raise UsageError, with what is allowed, unless `value` is."""
    if value not in allowed:
        raise UsageError(f"{knob}={value}: must be {choice(allowed)}")


def between(knob: str, value: int, low: int, high: int) -> None:
    """Raise UsageError, with what is allowed, unless `value` is from `low` to `high`."""
    if not low <= value <= high:
        raise UsageError(f"{knob}={value}: must be {span(low, high)}")


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
        for knob, allowed in _CHOICES.items():
            one_of(knob, getattr(self, knob.lower()), allowed)
        dlens = tuple(dlen for dlen in DLENS if dlen <= self.vlen)
        if self.dlen not in dlens:
            raise UsageError(f"DLEN={self.dlen}: with VLEN={self.vlen} it must be {choice(dlens)}")
        for knob, limits in _RANGES.items():
            between(knob, getattr(self, knob.lower()), *limits)
