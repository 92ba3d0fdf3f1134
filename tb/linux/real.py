# SPDX-License-Identifier: Apache-2.0
"""`vctx linux`: a real Linux and its KVM boot on Spike; every vector instruction of theirs is replayed on the RTL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from vctx.pymodel.errors import UsageError
from vctx.pymodel.places import out_root
from vctx.pymodel.scenarios.invariants import Ledger
from vctx.pymodel.scenarios.linux import Kind, read_rows, summary
from vctx.pymodel.scenarios.linux import replay as judge_lines
from vctx.pymodel.trace import encode_head
from vctx.tb.knobs import LINUX_HARTS, LINUX_VLENS, MAX_STEPS, Knobs, between, one_of
from vctx.tb.linux import needs
from vctx.tb.linux.crossings import KNOWN, NOT_CHECKED, judge
from vctx.tb.linux.debian import LinuxKernel, firmware, given_kernel, linux_kernel, own_kernel
from vctx.tb.linux.defects import DEFECTS, change
from vctx.tb.linux.image import build_init, initramfs
from vctx.tb.linux.job import cache as kernel_cache
from vctx.tb.linux.module import build_module
from vctx.tb.linux.recorder import RAM_BASE, TRACE_RAM, Boot, Recorded, build_recorder, last_words, record
from vctx.tb.linux.switches import Switches, switches
from vctx.tb.process.files import write_json
from vctx.tb.process.folders import claimed, marked
from vctx.tb.process.worker import preload
from vctx.tb.replay.live import Announcer
from vctx.tb.replay.result import Latency, ReplayResult
from vctx.tb.runs.beside import record_and_replay
from vctx.tb.runs.defaults import FILL, LATENCY
from vctx.tb.runs.golden import GoldenJudgement
from vctx.tb.runs.golden import judge as judge_golden
from vctx.tb.runs.progress import Progress, silent
from vctx.tb.runs.repeat import vctx_command
from vctx.tb.simulators.find import simulator

_EXPECTED = 4_000_000_000  # instructions of a whole run, about; for the progress


@dataclass(frozen=True)
class Source:
    """Where the kernel comes from: packages, or an image and a module; by default Debian's newest."""

    packages: tuple[Path, ...] = ()
    image: Path | None = None
    module: Path | None = None

    def kernel(self) -> LinuxKernel:
        """Return it, downloaded or unpacked if need be; VctxError if it cannot be had."""
        if self.image is not None and self.module is not None:
            return own_kernel(self.image, self.module)
        kernels = kernel_cache() / "kernel"
        return given_kernel(self.packages, kernels) if self.packages else linux_kernel(kernels)

    def arguments(self) -> list[str]:
        """Return the options that name it."""
        named = [("--image", self.image), ("--module", self.module), *(("--kernel-deb", p) for p in self.packages)]
        return [f"{option} {path}" for option, path in named if path is not None]


@dataclass(frozen=True)
class Program:
    """What the init program does, and what of it is recorded.

    Attributes:
        steps: of the random walk. parts: names of parts to run; all by default.
        defect: of `tb.linux.defects`, put into KVM; None for KVM as it is.
        since, until: marks: `reset`, `init`, `kvm_loaded`, `end`, or the name of a part, which is where it begins.
    """

    steps: int = 400
    parts: tuple[str, ...] = ()
    since: str = "reset"
    until: str = "end"
    defect: str | None = None

    def arguments(self) -> list[str]:
        """Return the options that differ from the default."""
        default = Program()
        found = [f"--steps {self.steps}"] if self.steps != default.steps else []
        found += [f"--part {part}" for part in self.parts]
        found += [f"--from {self.since}"] if self.since != default.since else []
        found += [f"--until {self.until}"] if self.until != default.until else []
        return found + ([f"--defect {self.defect}"] if self.defect is not None else [])


@dataclass(frozen=True)
class LinuxRun:
    """What came of a run.

    Attributes:
        release: of Linux. knobs, program: what was run.
        recorded, replayed: how recording and replay ended.
        switches: what KVM did with vector contexts. ledger: checks of invariants, and what broke them.
        console: its end, if Linux did not come to its own.
        lines: of the init program, by what the golden hypervisor says of them; differing: those that differ.
        golden: what the golden hart says of the trace, if it was asked.
        trace, path, command: the trace, the result as JSON, and how to repeat the run.
    """

    release: str
    knobs: Knobs
    program: Program
    recorded: Recorded
    replayed: ReplayResult
    switches: Switches
    ledger: Ledger
    trace: Path
    path: Path
    command: str
    console: Sequence[str] = field(default_factory=list)
    lines: Mapping[Kind, int] = field(default_factory=dict)
    differing: Sequence[str] = field(default_factory=list)
    golden: GoldenJudgement | None = None

    @property
    def ok(self) -> bool:
        """Linux came to its end, the RTL agrees with Spike, and Linux broke what it is known to break at most."""
        agreed = self.replayed.ok and (self.golden is None or self.golden.ok) and not self.differing
        return self.recorded.ok and agreed and self.switches.ok and self.ledger.broken.keys() <= KNOWN.keys()

    def as_json(self) -> dict[str, Any]:
        """Return the verdict as JSON-able data."""
        return {
            "ok": self.ok,
            "command": self.command,
            "linux": self.release,
            "knobs": {name: getattr(self.knobs, name) for name in ("sim", "vlen", "dlen", "seed", "harts")},
            "program": asdict(self.program),
            "trace": str(self.trace),
            "recorded": asdict(self.recorded),
            "replay": asdict(self.replayed),
            "switches": self.switches.as_json(),
            "invariants": {
                name: {"checked": checks, "broken": self.ledger.broken[name]}
                for name, checks in sorted(self.ledger.checks.items())
            },
            "violations": [asdict(violation) for violation in self.ledger.violations],
            "known": {name: KNOWN[name] for name in self.ledger.broken if name in KNOWN},
            "not_checked": NOT_CHECKED,
            "lines": {kind.value: count for kind, count in self.lines.items()},
            "differing": list(self.differing),
            "golden": None if self.golden is None else asdict(self.golden),
            "console": list(self.console),
        }


def check(knobs: Knobs, program: Program, source: Source) -> None:
    """Raise UsageError if there can be no such run."""
    one_of("VLEN", knobs.vlen, LINUX_VLENS)
    one_of("HARTS", knobs.harts, LINUX_HARTS)
    between("STEPS", program.steps, 1, MAX_STEPS)
    if program.defect is not None:
        one_of("DEFECT", program.defect, tuple(DEFECTS))
    if (source.image is None) != (source.module is None):
        raise UsageError("--image and --module go together: a module fits the kernel that it was built with only")
    if source.image is not None and source.packages:
        raise UsageError("--kernel-deb: there is an --image already")


def linux(
    knobs: Knobs,
    program: Program,
    source: Source,
    *,
    latency: Latency = LATENCY,
    waves: bool = False,
    golden: bool = False,
    progress: Progress = silent,
) -> LinuxRun:
    """Boot Linux, drive its KVM, and replay on the RTL what it does with vectors, while it does.

    Args:
        knobs: simulator, VLEN, DLEN, seed and harts. program: what Linux does there. source: of the kernel.
        latency: of memory and translate port. waves: dump waves.
        golden: let the golden hart judge the trace as well, once that is whole.
        progress: called with (phase, done, total); phases are "kernel", "build", "record", "replay" and "golden".

    Raises:
        UsageError: there can be no such run, or no such mark comes. ToolError: a tool is missing or fails.
        VctxError: see `tb.replay.launch.replay`.
    """
    preload(__name__)
    check(knobs, program, source)
    simulator(knobs.sim)  # before anything slow: is it there?
    needs.require_to_fetch()
    progress("kernel", 0, 1)
    kernel = source.kernel()
    opensbi = firmware(kernel_cache())
    progress("kernel", 1, 1)
    progress("build", 0, 1)
    recorder = build_recorder()
    init = build_init(kernel_cache())
    module = build_module(kernel, kernel_cache())
    progress("build", 1, 1)
    command = command_of(knobs, program, source)
    name = f"{knobs.sim}-vlen{knobs.vlen}-dlen{knobs.dlen}-harts{knobs.harts}-seed{knobs.seed}"
    folder = out_root() / "linux" / marked(name, repr((program, source)))
    trace = folder / "trace.vctx"
    with claimed(folder):
        initrd = folder / "initramfs.cpio"
        initramfs(init, kernel, module, initrd)
        boot = Boot(
            kernel, opensbi, initrd, knobs.vlen, knobs.harts, _parameters(knobs, program), program.since, program.until
        )
        both = record_and_replay(
            partial(_record, recorder, boot, knobs, trace, command, program.defect),
            knobs,
            trace,
            latency=latency,
            waves=waves,
            progress=progress,
        )
        initrd.unlink()
        recorded = both.recorded
        verdicts = judge_lines(read_rows(folder / "lines.jsonl")) if recorded.ok else []
        run = LinuxRun(
            kernel.release,
            knobs,
            program,
            recorded,
            both.replayed,
            switches(both.replayed, knobs.vlen),
            judge(folder / "crossings.jsonl", knobs.vlen),
            trace,
            folder / "result.json",
            command,
            [] if recorded.ok else last_words(folder / "console.log"),
            summary(verdicts),
            [str(verdict) for verdict in verdicts if verdict.kind is Kind.DIFFERS],
            judge_golden(trace, progress=lambda done: progress("golden", done, recorded.events)) if golden else None,
        )
        write_json(run.path, run.as_json())
    return run


def _parameters(knobs: Knobs, program: Program) -> str:
    """Return the kernel's command line; for what is not said here see `tb.linux.boot`."""
    parts = f" parts={','.join(program.parts)}" if program.parts else ""
    # no4lvl: page tables of Sv39, which is what `vctx judge` can give Spike
    return (
        "console=ttyS0 earlycon quiet panic=-1 isolcpus=1 init_on_alloc=0 no4lvl hints=1 "
        f"seed={knobs.seed} steps={program.steps}{parts}"
    )


def _record(
    recorder: Path,
    boot: Boot,
    knobs: Knobs,
    trace: Path,
    command: str,
    defect: str | None,
    announcer: Announcer,
) -> Recorded:
    """Record, in a process of its own."""
    header = {
        "scenario": "linux",
        "command": command,
        "vlen": knobs.vlen,
        "harts": knobs.harts,
        "seed": knobs.seed,
        "ram_base": RAM_BASE,
        "ram_size": TRACE_RAM,
        "fill": FILL,
    }
    partial_trace = trace.with_name(f"{trace.name}.part")

    def progress(instructions: int, events: int) -> None:
        announcer.progress(instructions, max(_EXPECTED, instructions + 1))

    recorded = record(
        recorder,
        boot,
        partial_trace,
        encode_head(header),
        trace.parent,
        started=lambda: announcer.begin(partial_trace),
        progress=progress,
        change=None if defect is None else change(defect),
    )
    partial_trace.replace(trace)
    announcer.progress(recorded.instructions, recorded.instructions)
    announcer.end(recorded.events)
    return recorded


def command_of(knobs: Knobs, program: Program, source: Source) -> str:
    """Return the command that repeats a run."""
    sizes = [f"--sim {knobs.sim}", f"--vlen {knobs.vlen}", f"--dlen {knobs.dlen}", f"--harts {knobs.harts}"]
    return vctx_command("linux", f"--seed {knobs.seed}", *sizes, *program.arguments(), *source.arguments())
