# SPDX-License-Identifier: Apache-2.0
"""An exported program on QEMU, which is asked through its machine protocol when it ends and what it found."""

from __future__ import annotations

import json
import struct
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Any

from vctx.pymodel.programs import read_elf

QEMU = "qemu-system-riscv64"
_PATIENCE_S = 120
_ENTRY = struct.Struct("<QQ")


class Qemu:
    """A virt machine with one hart that runs a bare-metal program; use as a context manager."""

    def __init__(self, elf: Path, vlen: int) -> None:
        cpu = f"rv64,v=true,vext_spec=v1.0,h=true,vlen={vlen}"
        command = [QEMU, "-M", "virt", "-cpu", cpu, "-m", "256", "-nodefaults", "-display", "none"]
        command += ["-bios", str(elf), "-qmp", "stdio"]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True)
        self._dump = elf.with_suffix(".memory")
        self.symbols = read_elf(elf.name, elf).symbols
        self._ask("qmp_capabilities")

    def __enter__(self) -> Qemu:
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        self._process.kill()
        self._process.communicate()

    def _ask(self, command: str, **arguments: Any) -> None:
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None and stdout is not None
        stdin.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
        stdin.flush()
        for line in stdout:
            answer = json.loads(line)
            assert "error" not in answer, answer
            if "return" in answer:
                return
        raise AssertionError(f"{QEMU} ended")

    def memory(self, address: int, size: int) -> bytes:
        """Return physical memory."""
        self._ask("pmemsave", val=address, size=size, filename=str(self._dump))
        return self._dump.read_bytes()

    def number(self, symbol: str) -> int:
        """Return the doubleword at a symbol."""
        return int.from_bytes(self.memory(self.symbols[symbol], 8), "little")

    def end(self) -> int:
        """Wait for the program's end and return its exit code."""
        until = time.monotonic() + _PATIENCE_S
        while not (tohost := self.number("tohost")):
            assert time.monotonic() < until, "the program has not ended"
            time.sleep(0.05)
        return tohost >> 1

    def failed(self) -> dict[int, int]:
        """Return what the program found otherwise: the fold by address of the record."""
        return dict(_ENTRY.iter_unpack(self.memory(self.symbols["failed"], _ENTRY.size * self.number("failures"))))
