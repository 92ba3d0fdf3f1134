# SPDX-License-Identifier: Apache-2.0
"""Export sweeps, fuzz programs and the main job as bare-metal programs, each with its expected log, and a manifest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from vctx.pymodel.errors import UsageError
from vctx.pymodel.exported import fuzzed, image
from vctx.pymodel.exported.emulators import declared
from vctx.pymodel.exported.expected import ExportError, Outcome, run
from vctx.pymodel.exported.machine import Machine
from vctx.pymodel.exported.program import Exported, Step, translate
from vctx.pymodel.fuzz.generator import generate, seed_of
from vctx.pymodel.isa import Latitude, disassemble
from vctx.pymodel.places import own_version
from vctx.pymodel.programs import read_elf
from vctx.pymodel.scenarios.bare_metal import ram_size
from vctx.pymodel.scenarios.directed import RULES, SWEEPS
from vctx.pymodel.scenarios.shared_unit import SharedUnitConfig
from vctx.pymodel.trace import TraceReader
from vctx.pymodel.trace.header import Header
from vctx.tb.jobs import cosim
from vctx.tb.jobs import sweep as sweeps
from vctx.tb.process.files import write_json
from vctx.tb.process.folders import claimed
from vctx.tb.runs.progress import Progress, silent

KVM, FUZZ = "kvm", "fuzz"
NAMES = (*SWEEPS, KVM, FUZZ)
"""What can be exported."""
MANIFEST = "manifest.json"
_KVM_RULES = ("A-7", "B-3", "B-4", "B-5", "B-8", "B-13", "B-14", "B-15", "C-14", "D-8", "D-9", "D-17", "D-18")
_FUZZ_RULES = ("A", "B", "C", "D", "E", "F-4", "F-5", "F-6", "F-7")  # whole sections


@dataclass(frozen=True)
class ProgramsConfig:
    """What to export.

    Attributes:
        names: some of NAMES.
        vlen: VLEN in bits.
        seed: of the fuzz programs and the main job. fuzz: how many fuzz programs.
        pairs, entries: of the main job.
        log: write the expected logs.
    """

    names: tuple[str, ...] = NAMES
    vlen: int = 256
    seed: int = 1
    fuzz: int = 20
    pairs: int = 200
    entries: int = 2000
    log: bool = True

    def __post_init__(self) -> None:
        for name in self.names:
            if name not in NAMES:
                raise UsageError(f"program {name!r}: must be one of {', '.join(NAMES)}")


@dataclass
class Program:
    """One exported program, as the manifest has it. Files are named relative to it.

    Attributes:
        name, source: its name, and what it was made of.
        elf, log, steps, trace: the program, its expected commit log, the list of its steps, the trace that it repeats.
        bytes, ram: size of the ELF file, and of the RAM that it needs.
        rules: what it checks, by item of the specification.
        instructions, traps: executed by it in all. checked: instructions that it checks by itself.
        left_out: instructions of the trace that it only makes the outcome of, by reason.
        signature: what its symbol of that name must hold at the end.
        emulators: by name and version, what it finds otherwise there; None if it is not for that version.
        exit_code: what it ends with if all is as it must be.
    """

    name: str
    source: str
    elf: str
    log: str | None
    steps: str | None
    trace: str | None
    bytes: int
    ram: int
    rules: tuple[str, ...]
    instructions: int
    traps: int
    checked: int
    left_out: dict[str, int]
    signature: str
    emulators: dict[str, list[str] | None]
    exit_code: int = 0


@dataclass
class Manifest:
    """All programs of a folder."""

    path: Path
    machine: Machine
    command: str
    programs: list[Program] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Return the manifest as JSON-able data."""
        return {
            "vctx": own_version(),
            "command": self.command,
            "isa": f"rv64gcv_h_zvl{self.machine.vlen}b",
            "machine": asdict(self.machine),
            "latitude": asdict(Latitude()),
            "programs": [asdict(program) for program in self.programs],
        }


def export(config: ProgramsConfig, out: Path, command: str, progress: Progress = silent) -> Manifest:
    """Write the programs that a configuration asks for to a folder.

    Args:
        config: which. out: the folder. command: what repeats it, for the manifest.
        progress: called with (phase, done, total); a phase is one of NAMES.

    Raises:
        UsageError: `out` is no folder. ToolError: no compiler.
        ExportError: a program does not repeat what it was made of.
    """
    if out.exists() and not out.is_dir():
        raise UsageError(f"--out {out}: must be a folder, or a name for a new one")
    out.mkdir(parents=True, exist_ok=True)
    manifest = Manifest(out / MANIFEST, Machine(config.vlen), command)
    with claimed(out):
        manifest.path.unlink(missing_ok=True)
        exporter = _Exporter(config, out, manifest.machine)
        for name in config.names:
            total = config.fuzz if name == FUZZ else 1
            progress(name, 0, total)
            for done, program in enumerate(exporter.make(name), 1):
                manifest.programs.append(program)
                progress(name, min(done, total), total)
            progress(name, total, total)
        write_json(manifest.path, manifest.as_json())
    return manifest


class _Exporter:
    """Makes programs in a folder."""

    def __init__(self, config: ProgramsConfig, out: Path, machine: Machine) -> None:
        self._config = config
        self._out = out
        self._machine = machine

    def make(self, name: str) -> Iterator[Program]:
        """Make the program or programs of one name."""
        if name == FUZZ:
            yield from self._fuzz()
        elif name == KVM:
            yield from self._kvm()
        else:
            yield self._sweep(name)

    def _sweep(self, name: str) -> Program:
        trace = self._out / f"{name}.vctx"
        probes = sweeps.record(SWEEPS[name], trace, name=name, vlen=self._config.vlen)
        keys = {probe.index: " ".join(probe.key) for probe in probes}
        return self._of_trace(name, f"sweep {name}", trace, RULES[name], keys=keys)

    def _kvm(self) -> Iterator[Program]:
        config = self._config
        unit = SharedUnitConfig(vlen=config.vlen, seed=config.seed, pairs=config.pairs, entries=config.entries)
        trace = self._out / f"{KVM}.vctx"
        source = f"main job, seed {unit.seed}, pairs {unit.pairs}, entries {unit.entries}"
        cosim.record(unit, trace, source, silent)
        for hart in range(unit.harts):
            yield self._of_trace(f"{KVM}-hart{hart}", f"{source}, hart {hart}", trace, _KVM_RULES, hart=hart)

    def _of_trace(
        self,
        name: str,
        source: str,
        trace: Path,
        rules: tuple[str, ...],
        *,
        hart: int = 0,
        keys: dict[int, str] | None = None,
    ) -> Program:
        exported = translate(Header.of(trace), TraceReader(trace), self._machine, hart=hart)
        elf = self._out / f"{name}.elf"
        image.write_elf(exported, elf)
        outcome = run(elf, self._machine.vlen, self._log(name))
        if outcome.exit_code or outcome.signature != exported.signature:
            raise ExportError(f"{elf} does not repeat {trace}: {_first_failure(exported, outcome)}")
        steps = self._out / f"{name}.steps"
        steps.write_text("".join(_listed(number, step, keys or {}) for number, step in enumerate(exported.steps)))
        return self._program(name, source, elf, rules, outcome, len(exported.steps), exported, steps, trace)

    def _fuzz(self) -> Iterator[Program]:
        config = self._config
        for number in range(config.fuzz):
            seed = seed_of(config.seed, config.vlen, number)
            program = generate(seed, config.vlen)
            name, source = f"{FUZZ}-{number:04}", f"fuzz program {seed}"
            elf = self._out / f"{name}.elf"
            fuzzed.write_elf(program, elf, source)
            first = run(elf, config.vlen)
            fuzzed.write_elf(program, elf, source, signature=first.signature)
            outcome = run(elf, config.vlen, self._log(name))
            if outcome.exit_code:
                raise ExportError(f"{elf} does not end with the signature {first.signature:#x}")
            yield self._program(name, source, elf, _FUZZ_RULES, outcome, len(program.words))

    def _log(self, name: str) -> Path | None:
        path = self._out / f"{name}.log"
        path.unlink(missing_ok=True)
        return path if self._config.log else None

    def _program(
        self,
        name: str,
        source: str,
        elf: Path,
        rules: tuple[str, ...],
        outcome: Outcome,
        checked: int,
        exported: Exported | None = None,
        steps: Path | None = None,
        trace: Path | None = None,
    ) -> Program:
        return Program(
            name=name,
            source=source,
            elf=elf.name,
            log=f"{name}.log" if self._config.log else None,
            steps=steps.name if steps else None,
            trace=trace.name if trace else None,
            bytes=elf.stat().st_size,
            ram=ram_size(read_elf(elf.name, elf)),
            rules=rules,
            instructions=outcome.instructions,
            traps=outcome.traps,
            checked=checked,
            left_out=dict(exported.left_out) if exported else {},
            signature=f"{outcome.signature:#018x}",
            emulators=declared(name),
        )


def _first_failure(exported: Exported, outcome: Outcome) -> str:
    """Say which step went wrong first."""
    if not outcome.failed:
        return f"the signature is {outcome.signature:#x}, not {exported.signature:#x}"
    record, _ = outcome.failed[0]
    for number, step in enumerate(exported.steps):
        if step.record == record:
            return f"step {_listed(number, step, {}).strip()}"
    return f"what is checked at {record:#x}"


def _listed(number: int, step: Step, keys: dict[int, str]) -> str:
    """Return the line of a step: number, record, address, mode, word and text, position in the trace, case."""
    word = step.event.issue.insn
    key = keys.get(step.index, "")
    line = f"{number:6} {step.record:#x} {step.pc:#x} {step.mode:2} {word:#010x} {disassemble(word):36}"
    return f"{line} event {step.index}{' ' if key else ''}{key}\n"
