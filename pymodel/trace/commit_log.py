# SPDX-License-Identifier: Apache-2.0
"""The commit log: one line for each instruction and trap, in the text format of `spike -l --log-commits`."""

from __future__ import annotations

from typing import TextIO

from vctx.pymodel.trace.records import Commit

_INTERRUPT = 1 << 63
EXCEPTIONS = {
    0: "instruction_address_misaligned",
    1: "instruction_access_fault",
    2: "illegal_instruction",
    3: "breakpoint",
    4: "load_address_misaligned",
    5: "load_access_fault",
    6: "store_address_misaligned",
    7: "store_access_fault",
    8: "user_ecall",
    9: "supervisor_ecall",
    10: "virtual_supervisor_ecall",
    11: "machine_ecall",
    12: "instruction_page_fault",
    13: "load_page_fault",
    15: "store_page_fault",
    20: "instruction_guest_page_fault",
    21: "load_guest_page_fault",
    22: "virtual_instruction",
    23: "store_guest_page_fault",
}
_ECALLS = (8, 9, 10, 11)  # have no tval line
# Registers of one instruction are sorted by number; of equal numbers x comes before f, f before v, and v before c.
_X, _F, _V, _CSR = 0, 1, 2, 4


class CommitLog:
    """Writes what a hart reports as a commit log.

    Args:
        file: takes the lines.
        csr_names: lower-case CSR names by address.
    """

    def __init__(self, file: TextIO, csr_names: dict[int, str]) -> None:
        self._file = file
        self._csr_names = csr_names

    def commit(self, commit: Commit) -> None:
        """Write the line of an instruction."""
        line = [f"core{commit.hart:4}: {commit.prv} 0x{commit.pc:016x} (0x{commit.insn:0{2 * commit.size}x})"]
        if commit.vector is not None:
            sew, lmul, vl = commit.vector
            line.append(f"e{sew} {lmul} l{vl}")
        line += (text for _, _, text in sorted(self._registers(commit)))
        line += (f"mem 0x{address:016x}" for address in commit.loads)
        line += (f"mem 0x{address:016x} 0x{value:0{2 * size}x}" for address, size, value in commit.stores)
        self._file.write(" ".join(line) + "\n")

    def trap(self, hart: int, epc: int, cause: int, tval: int) -> None:
        """Write the lines of a trap; `cause` has bit 63 set for an interrupt."""
        interrupt = cause & _INTERRUPT
        name = f"interrupt #{cause - interrupt}" if interrupt else f"trap_{EXCEPTIONS[cause]}"
        self._file.write(f"core{hart:4}: exception {name}, epc 0x{epc:016x}\n")
        if not interrupt and cause not in _ECALLS:
            self._file.write(f"core{hart:4}:           tval 0x{tval:016x}\n")

    def _registers(self, commit: Commit) -> list[tuple[int, int, str]]:
        """Return (number, kind, text) of every register written."""
        out = []
        if commit.x is not None:
            number, value = commit.x
            out.append((number, _X, f"x{number:<2} 0x{value:016x}"))
        if commit.f is not None:
            number, value = commit.f
            out.append((number, _F, f"f{number:<2} 0x{value:016x}"))
        out += ((number, _V, f"v{number:<2} 0x{value[::-1].hex()}") for number, value in commit.vregs.items())
        for number, value in commit.csrs.items():
            out.append((number, _CSR, f"c{number}_{self._csr_names[number]} 0x{value:016x}"))
        return out
