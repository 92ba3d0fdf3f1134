# SPDX-License-Identifier: Apache-2.0
"""A fuzz program: initial values and a body of instructions, and the assembly file it is kept in.

The world it runs in is sw/fuzz/runtime.S, which says what a body may do.
"""

from __future__ import annotations

import re
import struct
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path

from elftools.elf.elffile import ELFFile

from vctx.pymodel import programs
from vctx.pymodel.isa import Decoded, decode, disassemble
from vctx.pymodel.isa.encoding import Kind
from vctx.pymodel.trace.records import PAGE_SIZE

USER_ALIAS = 1 << 30  # how much lower U and VU see the body where the first stage is on; see runtime.S
FIRST_STAGE = 8 << 60  # satp.MODE or vsatp.MODE is Sv39
JUMP_TO_SELF = 0x0000006F
MAX_WORDS = PAGE_SIZE // 4 - 1

_PREFIX = "param_"
_WHOLE = re.compile(r"v(?:l|s|mv)(\d)r")
_OVERLAP = re.compile(r"vw|vn(srl|sra|clip)|v[sz]ext|viota|vslide1?up|vms[bio]f|vrgather|vcompress")


@dataclass(frozen=True)
class World:
    """Physical memory around the programs.

    Attributes:
        base, size: of RAM, in bytes.
        boot: address of the first instruction.
        body, params: addresses of the two pages that a program fills.
        data: address of the first page of data; data goes on to the end of RAM.
        names: parameters, in the order of `params`.
        image: RAM without a program.
    """

    base: int
    size: int
    boot: int
    body: int
    params: int
    data: int
    names: tuple[str, ...]
    image: bytes


@cache
def world() -> World:
    """Return the world, built from sw/fuzz; errors as `pymodel.programs.build`."""
    linked = programs.load("fuzz")
    places = linked.constants
    base, size = linked.base, places["ram_end"] - linked.base
    image = _flat(linked, base, size)
    data_at = places["data"] - base
    image[data_at:] = _pattern(size - data_at)
    offsets = {name.removeprefix(_PREFIX): at for name, at in places.items() if name.startswith(_PREFIX)}
    return World(
        base=base,
        size=size,
        boot=linked.symbols["boot"],
        body=places["body"],
        params=places["params"],
        data=places["data"],
        names=tuple(sorted(offsets, key=offsets.__getitem__)),
        image=bytes(image),
    )


def _flat(linked: programs.Image, base: int, size: int) -> bytearray:
    """Return memory that holds a linked program, and 0 elsewhere."""
    memory = bytearray(size)
    for address, data in linked.segments:
        memory[address - base : address - base + len(data)] = data
    return memory


def _pattern(length: int) -> bytes:
    """Return bytes that look random and are the same in every version of Python (a 64-bit LCG's upper halves)."""
    state, words = 1, []
    for _ in range(length // 4):
        state = (state * 6364136223846793005 + 1442695040888963407) % (1 << 64)
        words.append(state >> 32)
    return struct.pack(f"<{len(words)}I", *words)


@dataclass(frozen=True)
class Item:
    """Instructions of a body that belong together, such as a change of mode.

    Attributes:
        words: 32-bit instruction words.
        irq: while the last word executes for the first time, an interrupt is pending from this element on.
    """

    words: tuple[int, ...]
    irq: int | None = None


@dataclass(frozen=True)
class Program:
    """One program.

    Attributes:
        vlen: VLEN in bits.
        params: initial values of registers and CSRs; those of `World.names` that are absent are 0. v0, v8, v16 and v24
            are addresses that eight registers are loaded from, and vl is the AVL of the vsetvl that sets vtype.
        body: the instructions.
        wide: they are for a hart that has every integer vector instruction.
    """

    vlen: int
    params: Mapping[str, int]
    body: tuple[Item, ...]
    wide: bool = False

    @cached_property
    def words(self) -> tuple[int, ...]:
        """The body as instruction words, without the jump at its end."""
        return tuple(word for item in self.body for word in item.words)

    @cached_property
    def irqs(self) -> dict[int, int]:
        """Pending interrupts: number of the instruction word -> element."""
        return {at + len(item.words) - 1: item.irq for at, item in self._places() if item.irq is not None}

    def _places(self) -> Iterator[tuple[int, Item]]:
        at = 0
        for item in self.body:
            yield at, item
            at += len(item.words)

    @cached_property
    def ends(self) -> frozenset[int]:
        """Addresses at which the program is over."""
        end = world().body + 4 * len(self.words)
        return frozenset((end, end - USER_ALIAS))

    def word_at(self, pc: int) -> int | None:
        """Return the number of the body's instruction word at virtual address `pc`, or None outside the body."""
        at = pc - world().body
        at = at if at >= 0 else at + USER_ALIAS
        return at >> 2 if 0 <= at < 4 * len(self.words) else None

    @staticmethod
    def addresses(number: int) -> Iterable[int]:
        """Return every virtual address at which an instruction in the body's word `number` may begin."""
        at = world().body + 4 * number
        return at, at + 2, at - USER_ALIAS, at + 2 - USER_ALIAS

    def image(self) -> bytes:
        """Return the contents of RAM at the start."""
        w = world()
        image = bytearray(w.image)
        values = [self.params.get(name, 0) for name in w.names]
        struct.pack_into(f"<{len(values)}Q", image, w.params - w.base, *values)
        code = (*self.words, JUMP_TO_SELF)
        struct.pack_into(f"<{len(code)}I", image, w.body - w.base, *code)
        return bytes(image)

    def without_irqs(self) -> Program:
        """Return the program without pending interrupts."""
        return replace(self, body=tuple(Item(item.words) for item in self.body)) if self.irqs else self

    # --- as a file ---

    def assembly(self, title: str, replay: str) -> str:
        """Return the program in assembly.

        Args:
            title: what the program shows; may have several lines.
            replay: the command that runs it again.
        """
        lines = ["/*", *(f" * {line}".rstrip() for line in title.splitlines()), f" * Replay: {replay}", " */"]
        lines += ["\t.globl\tvlen", f"\t.set\tvlen, {self.vlen}"]
        lines += ["\t.globl\twide", f"\t.set\twide, {int(self.wide)}", "", '\t.section .params, "a"']
        lines += (f"\t.quad\t{self.params.get(name, 0):#018x}\t# {name}" for name in world().names)
        lines += ["", "\t.macro\tirq element\t\t\t# an interrupt is pending from this element on", "1:"]
        lines += ['\t.pushsection .irqs, ""', "\t.quad\t1b, \\element", "\t.popsection", "\t.endm"]
        lines += ["", '\t.section .body, "ax"']
        for item in self.body:
            for number, word in enumerate(item.words, 1):
                if item.irq is not None and number == len(item.words):
                    lines.append(f"\tirq\t{item.irq}")
                lines.append("\t" + _source(word))
        return "\n".join([*lines, "\t.globl\tend", "end:\tj\tend", ""])


def _source(word: int) -> str:
    """Return one line of source for `word`, as a number where assemblers refuse it for being reserved."""
    decoded = decode(word)
    if decoded.kind is Kind.UNKNOWN:
        return f".4byte\t{word:#010x}\t\t# reserved"
    text = disassemble(word)
    if _refused(decoded):
        return f".4byte\t{word:#010x}\t\t# {text}"
    mnemonic, _, operands = text.partition(" ")
    return f"{mnemonic}\t{operands}".rstrip()


def _refused(decoded: Decoded) -> bool:
    """Tell whether an assembler sees by the operands alone that an instruction is reserved."""
    fields = decoded.fields
    whole = _WHOLE.match(decoded.mnemonic)
    if whole:
        return any(fields.get(name, 0) % int(whole[1]) for name in ("vd", "vs2", "vs3"))
    if _OVERLAP.match(decoded.mnemonic):  # groups of other sizes that overlap: not worth telling which way
        return True
    return (fields.get("vm") == 0 or decoded.mnemonic.startswith("vmerge")) and fields.get("vd") == 0


def read_assembly(path: Path) -> Program:
    """Assemble a file that :meth:`Program.assembly` wrote, possibly edited since.

    Raises:
        ProgramError: it cannot be read, does not assemble, or is not a fuzz program.
        ToolError: no compiler.
    """
    recipe = programs.PROGRAMS["fuzz"]
    if not path.is_file():
        raise programs.ProgramError(f"cannot read {path}")
    with tempfile.TemporaryDirectory() as scratch:
        elf = Path(scratch) / "program.elf"
        source = Path(scratch) / "program.S"
        source.write_bytes(path.read_bytes())  # whatever its suffix
        programs.link(recipe, [*programs.sources(recipe), source], elf)
        image = programs.read_elf(path.name, elf)
        irqs = _read_irqs(elf)
    try:
        vlen, end = image.constants["vlen"], image.symbols["end"]
    except KeyError as missing:
        raise programs.ProgramError(f"{path} is not a fuzz program: no symbol {missing}") from None
    w = world()
    memory = _flat(image, w.base, w.size)
    values = struct.unpack_from(f"<{len(w.names)}Q", memory, w.params - w.base)
    words = struct.unpack_from(f"<{(end - w.body) // 4}I", memory, w.body - w.base)
    body = tuple(Item((word,), irqs.get(w.body + 4 * number)) for number, word in enumerate(words))
    return Program(vlen, dict(zip(w.names, values, strict=True)), body, bool(image.constants.get("wide", 0)))


def _read_irqs(elf: Path) -> dict[int, int]:
    with elf.open("rb") as file:
        section = ELFFile(file).get_section_by_name(".irqs")
        data = section.data() if section is not None else b""
    return dict(struct.iter_unpack("<QQ", data))
