# SPDX-License-Identifier: Apache-2.0
"""Where an address of a program is in its source, from its debug information (DWARF), or else from its symbols."""

from __future__ import annotations

import bisect
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from elftools.dwarf.compileunit import CompileUnit
from elftools.dwarf.descriptions import describe_form_class
from elftools.dwarf.die import DIE
from elftools.dwarf.dwarfinfo import DWARFInfo
from elftools.dwarf.ranges import BaseAddressEntry
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

_FUNCTIONS = ("DW_TAG_subprogram", "DW_TAG_inlined_subroutine")
_CODE_SYMBOLS = ("STT_FUNC", "STT_NOTYPE")


def place_of(elf: Path, pc: int) -> str:
    """Return what is at `pc`: `function (file:line)`, as much of it as is known, or `symbol+offset`, or nothing.

    Of functions that are inlined it is the innermost. Debug information that is damaged counts as none.
    """
    function, line, symbol = _look_up(elf, pc)
    function = function or symbol
    return f"{function} ({line})" if function and line else function or line


def symbol_of(elf: Path, pc: int) -> str:
    """Return what is at `pc`: `symbol+offset (file:line)`, as much of it as is known; damaged data as in `place_of`."""
    _, line, symbol = _look_up(elf, pc)
    return f"{symbol} ({line})" if symbol and line else symbol or line


def _look_up(elf: Path, pc: int) -> tuple[str, str, str]:
    """Return the function, `file:line` and `symbol+offset` of an address; empty where they are not known."""
    with elf.open("rb") as file:
        image = ELFFile(file)
        function, line = "", ""
        if image.has_dwarf_info():
            try:
                function, line = _from_debug_information(image.get_dwarf_info(), pc)
            except Exception:  # whatever a parser makes of damaged data; the program runs all the same
                function, line = "", ""
        return function, line, _nearest_symbol(image, pc)


def _from_debug_information(dwarf: DWARFInfo, pc: int) -> tuple[str, str]:
    """Return the function and `file:line` of an address; empty where they are not known."""
    for unit in dwarf.iter_CUs():
        line = _line(dwarf, unit, pc)
        function = _function(dwarf, unit, pc)
        if line or function:
            return function, line
    return "", ""


def _line(dwarf: DWARFInfo, unit: CompileUnit, pc: int) -> str:
    """Return `file:line` of an address. Code without a line (0) belongs to that of the code before it."""
    program = dwarf.line_program_for_CU(unit)
    if program is None:
        return ""
    before = numbered = None
    for entry in program.get_entries():
        state = entry.state
        if state is None:
            continue
        if before is not None and numbered is not None and before.address <= pc < state.address:
            number = numbered.file if program["version"] >= 5 else numbered.file - 1
            name = program["file_entry"][number].name.decode(errors="replace")
            return f"{PurePosixPath(name).name}:{numbered.line}"
        before = None if state.end_sequence else state
        if before is None or before.line:
            numbered = before
    return ""


def _function(dwarf: DWARFInfo, unit: CompileUnit, pc: int) -> str:
    """Return the innermost function that holds an address; children come after their parents."""
    name = ""
    for die in unit.iter_DIEs():
        if die.tag in _FUNCTIONS and any(low <= pc < high for low, high in _ranges(dwarf, unit, die)):
            name = _name(die) or name
    return name


def _name(die: DIE) -> str:
    for reference in ("DW_AT_abstract_origin", "DW_AT_specification"):
        if "DW_AT_name" not in die.attributes and reference in die.attributes:
            die = die.get_DIE_from_attribute(reference)
    name = die.attributes.get("DW_AT_name")
    return name.value.decode(errors="replace") if name is not None else ""


def _ranges(dwarf: DWARFInfo, unit: CompileUnit, die: DIE) -> Iterator[tuple[int, int]]:
    attributes = die.attributes
    if "DW_AT_low_pc" in attributes and "DW_AT_high_pc" in attributes:
        low, high = attributes["DW_AT_low_pc"].value, attributes["DW_AT_high_pc"]
        yield low, high.value if describe_form_class(high.form) == "address" else low + high.value
    elif "DW_AT_ranges" in attributes:
        base = unit.get_top_DIE().attributes.get("DW_AT_low_pc")
        at = base.value if base is not None else 0
        lists = dwarf.range_lists()
        for entry in lists.get_range_list_at_offset(attributes["DW_AT_ranges"].value, cu=unit) if lists else ():
            if isinstance(entry, BaseAddressEntry):
                at = entry.base_address
            elif entry.begin_offset != entry.end_offset:
                offset = 0 if getattr(entry, "is_absolute", False) else at
                yield offset + entry.begin_offset, offset + entry.end_offset


def code_symbols(elf: Path) -> list[tuple[int, str]]:
    """Return address and name of every symbol of code, ascending."""
    with elf.open("rb") as file:
        return _symbols(ELFFile(file))


def _symbols(image: ELFFile) -> list[tuple[int, str]]:
    table = image.get_section_by_name(".symtab")
    if not isinstance(table, SymbolTableSection):
        return []
    return sorted(
        (symbol["st_value"], symbol.name)
        for symbol in table.iter_symbols()
        if symbol.name
        and not symbol.name.startswith((".L", "$"))
        and symbol["st_info"]["type"] in _CODE_SYMBOLS
        and isinstance(symbol["st_shndx"], int)
    )


def _nearest_symbol(image: ELFFile, pc: int) -> str:
    symbols = _symbols(image)
    at = bisect.bisect(symbols, (pc + 1,)) - 1
    if at < 0:
        return ""
    address, name = symbols[at]
    return f"{name}+{pc - address:#x}" if pc > address else name
