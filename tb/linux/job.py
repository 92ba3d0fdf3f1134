# SPDX-License-Identifier: Apache-2.0
"""`vctx linux-kvm`: boot a real Linux KVM, drive it with a seed, and judge the golden hypervisor by what it says."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from vctx.pymodel.places import out_root
from vctx.pymodel.scenarios.linux import Kind, Verdict, read_rows, replay, summary
from vctx.tb.knobs import LINUX_VLENS, MAX_STEPS, between, one_of
from vctx.tb.linux import needs
from vctx.tb.linux.boot import Machine, boot, qemu_version
from vctx.tb.linux.debian import LinuxKernel, given_kernel, linux_kernel
from vctx.tb.linux.image import build_init, initramfs
from vctx.tb.linux.module import build_module
from vctx.tb.process.files import write_json
from vctx.tb.process.folders import claimed
from vctx.tb.runs.progress import Progress, silent
from vctx.tb.runs.repeat import vctx_command


@dataclass(frozen=True)
class LinuxVerdict:
    """What became of every line that the init program told.

    Attributes:
        machine: what was booted.
        emulator, release: versions of QEMU and Linux; headers: whether there were the kernel's, to build the module.
        verdicts: in the order of the trace.
        trace, path, command: the trace, the result as JSON, and how to repeat the run.
    """

    machine: Machine
    emulator: str
    release: str
    headers: bool
    verdicts: tuple[Verdict, ...]
    trace: Path
    path: Path
    command: str

    @property
    def ok(self) -> bool:
        """No line differs without an explanation, and there are lines that judge, beyond the boot."""
        judged = any(v.kind is Kind.MATCHED and v.row["ctx"] != "boot" for v in self.verdicts)
        return judged and self.counts[Kind.DIFFERS] == 0

    @property
    def counts(self) -> dict[Kind, int]:
        """Lines by what became of them."""
        return summary(self.verdicts)

    @property
    def parts(self) -> dict[str, dict[Kind, int]]:
        """The same for each part of the run that says something of KVM."""
        names = dict.fromkeys(v.row["ctx"] for v in self.verdicts if v.kind is not Kind.BOOKKEEPING)
        return {name: summary(v for v in self.verdicts if v.row["ctx"] == name) for name in names}

    @property
    def reasons(self) -> Counter[str]:
        """Explained lines by reason."""
        return Counter(v.explanation.reason for v in self.verdicts if v.explanation is not None)

    @property
    def differing(self) -> list[Verdict]:
        """Lines that differ."""
        return [v for v in self.verdicts if v.kind is Kind.DIFFERS]

    def as_json(self) -> dict[str, Any]:
        """Return the verdict as JSON-able data."""
        return {
            "ok": self.ok,
            "command": self.command,
            "machine": asdict(self.machine),
            "qemu": self.emulator,
            "linux": self.release,
            "module": self.headers,
            "trace": str(self.trace),
            "lines": len(self.verdicts),
            "counts": {kind.value: count for kind, count in self.counts.items()},
            "parts": {
                name: {kind.value: count for kind, count in counts.items()} for name, counts in self.parts.items()
            },
            "explained": dict(self.reasons),
            "differing": [
                {"line": v.line, "part": v.row["ctx"], "kind": v.row["t"], "fields": [asdict(d) for d in v.differences]}
                for v in self.differing
            ],
        }


def cache() -> Path:
    """Return the folder of runs, and of what all of them use: kernel, module and init program."""
    return out_root() / "linux-kvm"


def check(machine: Machine) -> None:
    """Raise UsageError if the machine cannot be booted."""
    if machine.vlen is not None:
        one_of("VLEN", machine.vlen, LINUX_VLENS)
    between("SEED", machine.seed, 0, 2**32 - 1)
    between("STEPS", machine.steps, 1, MAX_STEPS)


def linux_kvm(machine: Machine, packages: Sequence[Path] = (), *, progress: Progress = silent) -> LinuxVerdict:
    """Boot Linux, drive its KVM, and judge the golden hypervisor by it.

    Args:
        machine: what is booted, and the seed of what is done there.
        packages: of a kernel to boot instead of the newest of Debian 13.
        progress: called with (phase, done, total); phases are "kernel", "init", "boot" and "judge".

    Raises:
        UsageError: the machine cannot be.
        ToolError: a tool is missing, Linux cannot be had, or it did not come to its end.
    """

    def phase(name: str, done: int) -> None:
        progress(name, done, 1)

    check(machine)
    needs.require(machine.qemu)
    emulator = qemu_version(machine.qemu)
    phase("kernel", 0)
    kernels = cache() / "kernel"
    kernel = given_kernel(packages, kernels) if packages else linux_kernel(kernels)
    phase("kernel", 1)
    phase("init", 0)
    init = build_init(cache())
    module = build_module(kernel, cache()) if machine.vlen is not None else None
    phase("init", 1)
    width = ("zve-only" if machine.zve else "without-v") if machine.vlen is None else f"vlen{machine.vlen}"
    folder = cache() / f"{width}-seed{machine.seed}-steps{machine.steps}"
    with claimed(folder):
        initrd = folder / "initramfs.cpio"
        initramfs(init, kernel, module, initrd)
        phase("boot", 0)
        trace = boot(machine, kernel, initrd, folder)
        initrd.unlink()  # megabytes that every run makes anew; kept only where Linux did not come to its end
        phase("boot", 1)
        phase("judge", 0)
        verdict = judged(machine, emulator, kernel, packages, trace)
        phase("judge", 1)
    return verdict


def judged(machine: Machine, emulator: str, kernel: LinuxKernel, packages: Sequence[Path], trace: Path) -> LinuxVerdict:
    """Judge a trace, and leave result.json beside it.

    Raises:
        UsageError: it is none, or holds what the judge does not know.
    """
    verdicts = tuple(replay(read_rows(trace)))
    path = trace.with_name("result.json")
    command = command_of(machine, packages)
    verdict = LinuxVerdict(
        machine, emulator, kernel.release, kernel.headers is not None, verdicts, trace, path, command
    )
    write_json(path, verdict.as_json())
    return verdict


def command_of(machine: Machine, packages: Sequence[Path]) -> str:
    """Return the command that repeats a run."""
    width = ("--zve-only" if machine.zve else "--without-v") if machine.vlen is None else f"--vlen {machine.vlen}"
    others = [f"--kernel-deb {shlex.quote(str(package))}" for package in packages]
    others += [f"--qemu {shlex.quote(machine.qemu)}"] if machine.qemu != needs.QEMU else []
    return vctx_command("linux-kvm", f"--seed {machine.seed}", width, f"--steps {machine.steps}", *others)
