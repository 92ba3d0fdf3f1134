# SPDX-License-Identifier: Apache-2.0
"""A window of a real Linux KVM on Spike and the RTL, and defects in the code of the real module.

The kernel comes from Debian, as for `make linux`, and stays where that keeps it.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile

from vctx.pymodel.errors import UsageError
from vctx.pymodel.scenarios.linux import Kind
from vctx.pymodel.trace import TraceReader
from vctx.tb.knobs import Knobs
from vctx.tb.linux import real
from vctx.tb.linux.debian import LinuxKernel, linux_kernel, own_kernel
from vctx.tb.linux.defects import DEFECTS, change, code_of
from vctx.tb.linux.job import cache
from vctx.tb.linux.recorder import Symbol, functions_of
from vctx.tb.linux.switches import MOVES
from vctx.tb.spike.judge import judge

BASE = 0xFFFF_FFFF_0100_0000  # where the module might be loaded


@pytest.fixture(scope="module")
def kernel() -> LinuxKernel:
    return linux_kernel(cache() / "kernel")


@pytest.fixture(scope="module")
def symbols(kernel: LinuxKernel) -> dict[str, Symbol]:
    return functions_of(kernel.module, BASE)


@pytest.fixture(scope="module")
def text(kernel: LinuxKernel) -> bytes:
    with kernel.module.open("rb") as file:
        data: bytes = ELFFile(file).get_section_by_name(".text").data()
    return data


def test_a_window_agrees_with_the_rtl() -> None:
    """What KVM does with a guest that writes vector CSRs only: saved if that made VS Dirty, which it must (B-13)."""
    program = real.Program(parts=("csr_only",), since="kvm_loaded")
    run = real.linux(Knobs("icarus", 256, 128, 1, 2), program, real.Source(), golden=True)
    assert run.ok
    assert run.lines[Kind.MATCHED] > 10 and not run.differing
    assert run.golden is not None and run.golden.judged == run.replayed.instructions
    assert run.recorded.ended == "end"
    assert not run.recorded.unsupported
    assert run.replayed.instructions == sum(run.recorded.records.values()) + run.recorded.brought > 5000
    assert all(run.recorded.records[mode] for mode in ("M", "HS", "VS"))
    save = run.switches.moves["guest save"]
    assert run.switches.loads == run.switches.puts == save.calls > save.done > 0
    assert save.bytes == 1024 * save.done
    assert run.ledger.checks["host-preserved"] == run.switches.puts
    assert not run.ledger.broken
    result = json.loads(run.path.read_text())
    assert result["ok"] and result["linux"] == run.release
    assert TraceReader(run.trace).header["command"] == run.command
    judged = judge(run.trace)  # what the recorder made of Spike's harts, on harts of Spike again
    assert judged.ok and judged.judged == run.replayed.instructions


@pytest.mark.parametrize("name", DEFECTS)
def test_a_defect_changes_the_module(name: str, symbols: dict[str, Symbol], text: bytes) -> None:
    where = symbols[DEFECTS[name].function]
    before = text[where.start - BASE : where.end - BASE]
    changed = bytearray(before)
    for address, data in change(name)(symbols, lambda symbol: text[symbol.start - BASE : symbol.end - BASE]).items():
        assert where.start <= address and address + len(data) <= where.end
        changed[address - where.start : address - where.start + len(data)] = data
    assert changed != before
    mnemonics = [each.decoded.mnemonic for each in code_of(where.start, bytes(changed))]
    assert ".word" not in mnemonics


def test_a_defect_of_other_code_is_refused(symbols: dict[str, Symbol]) -> None:
    with pytest.raises(UsageError, match=r"--defect save-always: .*guest_vector_save of this kernel lacks the test"):
        change("save-always")(symbols, lambda symbol: b"\x01\x00\x82\x80")
    others = {name: symbol for name, symbol in symbols.items() if name != MOVES["guest save"]}
    with pytest.raises(UsageError, match="--defect save-always: this kernel has no function kvm_riscv_vcpu_guest"):
        change("save-always")(others, lambda symbol: b"")


def test_a_kernel_of_ones_own(kernel: LinuxKernel, tmp_path: Path) -> None:
    assert own_kernel(kernel.vmlinux, kernel.module).release == kernel.release
    (tmp_path / "image").write_bytes(b"MZ" * 100)
    with pytest.raises(UsageError, match='must be an uncompressed Linux image; it holds no "Linux version"'):
        own_kernel(tmp_path / "image", kernel.module)
    with pytest.raises(UsageError, match=r"MODULE=.*/none: there is no such file"):
        own_kernel(kernel.vmlinux, tmp_path / "none")


@pytest.mark.parametrize(
    ("knobs", "program", "source", "said"),
    [
        (Knobs(vlen=2048), real.Program(), real.Source(), "VLEN=2048: must be one of 128, 256, 512, 1024"),
        (Knobs(harts=8), real.Program(), real.Source(), "HARTS=8: must be"),
        (Knobs(), real.Program(steps=0), real.Source(), "STEPS=0: must be from 1 to 100000"),
        (Knobs(), real.Program(defect="none"), real.Source(), "DEFECT=none: must be one of no-host-restore, "),
        (Knobs(), real.Program(), real.Source(image=Path("x")), "--image and --module go together"),
        (Knobs(), real.Program(), real.Source((Path("x"),), Path("x"), Path("x")), "there is an --image already"),
    ],
)
def test_what_cannot_be_is_refused(knobs: Knobs, program: real.Program, source: real.Source, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        real.check(knobs, program, source)
