# SPDX-License-Identifier: Apache-2.0
"""RVFI and RVVI as text: the same program's log in each form agrees, and the SystemVerilog example writes it."""

from __future__ import annotations

import random
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from logs import check, spike_log

from vctx.pymodel.corelog.event import Event
from vctx.pymodel.corelog.keyed_text import KeyedText
from vctx.pymodel.corelog.spike_text import SpikeText
from vctx.pymodel.errors import UsageError
from vctx.pymodel.places import ROOT
from vctx.pymodel.profiles import text_of


def _events() -> tuple[Path, list[Event]]:
    elf, lines = spike_log("bare-modes", 128)
    return elf, list(SpikeText().events(lines, 0, Path("log")))


def _rvfi(event: Event) -> str:
    keys = [f"rvfi order=0 pc={event.pc:x} insn={event.insn or 0:x}" if event.insn else f"rvfi pc={event.pc:x}"]
    keys += [f"mode={event.prv:x}"] if event.prv is not None else []
    keys += [f"rd={register:x}:{value:x}" for register, value in event.x]
    for access in event.mem:
        mask = (1 << access.size) - 1 if access.value is not None else 1
        kind = "r" if access.value is None else "w"
        keys.append(f"mem={access.address:x}:{mask:x}:{access.value or 0:x}:{kind}")
    if event.trap:
        cause = None if event.cause is None else event.cause | event.interrupt << 63
        keys += ["trap=1", f"cause={cause:x}"] + ([f"tval={event.tval:x}"] if event.tval is not None else [])
    return " ".join(keys) + "\n"


def _rvvi(event: Event) -> str:
    keys = [_rvfi(event).strip().replace("rvfi", "rvvi")]
    keys += [f"v{register}={value:x}" for register, value in event.v]
    keys += [f"c{csr:x}={value:x}" for csr, value in event.csrs]
    return " ".join(keys) + "\n"


@pytest.fixture
def profile(tmp_path: Path) -> str:
    """Spike, of whose log nothing need be complete."""
    own = tmp_path / "own.toml"
    own.write_text(re.sub(r"complete = .*", 'complete = ["x"]', text_of("spike")))
    return str(own)


@pytest.mark.parametrize("text", [_rvfi, _rvvi], ids=["rvfi", "rvvi"])
def test_the_same_program_agrees_in_each_form(text: Callable[[Event], str], profile: str, tmp_path: Path) -> None:
    elf, events = _events()
    report = check(elf, map(text, events), tmp_path, profile=profile)
    assert (report.sorted, report.ended) == ([], True)
    assert report.compared["x"] == report.had["x"] > 3000
    assert report.compared["mem"] > 1000
    assert bool(report.compared["v"]) == (text is _rvvi)


@pytest.mark.parametrize("text", [_rvfi, _rvvi], ids=["rvfi", "rvvi"])
def test_a_fault_is_found_in_each_form(text: Callable[[Event], str], profile: str, tmp_path: Path) -> None:
    elf, events = _events()
    lines = list(map(text, events))
    rng = random.Random(1)
    at = rng.choice([at for at, line in enumerate(lines) if " rd=5:" in line and at > 20])
    lines[at] = re.sub(r"( rd=5:)(\w+)", lambda m: f"{m[1]}{int(m[2], 16) ^ 4:x}", lines[at])
    report = check(elf, lines, tmp_path, profile=profile)
    assert min(found.first.line for found in report.sorted) == at + 1


def test_traps_without_a_cause_and_interrupts_by_their_handler(profile: str, tmp_path: Path) -> None:
    """RVFI has no line for an interrupt: intr marks where the handler begins; and no cause."""
    elf, events = _events()

    def lines() -> Iterator[str]:
        entered = False
        for event in events:
            entered = entered or event.interrupt
            if event.interrupt:
                continue
            line = re.sub(r" (cause|tval)=\w+", "", _rvfi(event)).strip()
            yield f"{line} intr={int(entered)}\n"
            entered = False

    report = check(elf, lines(), tmp_path, profile=profile)
    assert (report.sorted, report.ended) == ([], True)
    assert report.taken["interrupts"] == sum(event.interrupt for event in events) > 0
    assert report.compared["trap"] == 0


@pytest.mark.parametrize(
    "line", ["rvfi insn=13\n", "rvfi pc=zz\n", "rvfi pc=80000000 q=1\n", "rvfi pc=80000000 mem=1\n"]
)
def test_a_damaged_line_is_named(line: str) -> None:
    with pytest.raises(UsageError, match="line 1 cannot be read"):
        list(KeyedText("rvfi").events([line], 0, Path("log")))


_BENCH = """
module bench;
  logic clk = 0, valid = 0;
  logic [63:0] pc = 64'h8000_0000;
  always #5 clk = ~clk;
  rvfi_text #(.File("core.log")) log (
      .clk_i(clk), .valid(valid), .trap(1'b0), .intr(1'b0), .mode(2'd3), .rd_addr(5'd5), .insn(32'h297), .pc_rdata(pc),
      .rd_wdata(64'h8000_0000), .mem_addr(64'h8000_1000), .mem_rdata(64'd0), .mem_wdata(64'h2a), .mem_rmask(8'd0),
      .mem_wmask(8'h0f));
  initial begin
    @(negedge clk) valid = 1;
    @(negedge clk) valid = 0;
    @(negedge clk) $finish;
  end
endmodule
"""


def test_the_example_writes_what_the_reader_reads(tmp_path: Path) -> None:
    bench = tmp_path / "bench.sv"
    bench.write_text(_BENCH)
    icarus = shutil.which("iverilog")
    assert icarus is not None
    built = tmp_path / "bench.vvp"
    subprocess.run([icarus, "-g2012", "-o", built, ROOT / "examples" / "rvfi_text.sv", bench], check=True)
    subprocess.run(["vvp", "-n", built], cwd=tmp_path, check=True, capture_output=True)
    (event,) = KeyedText("rvfi").events((tmp_path / "core.log").read_text().splitlines(), 0, tmp_path)
    assert (event.pc, event.insn, event.prv, event.x) == (0x8000_0000, 0x297, 3, [(5, 0x8000_0000)])
    assert [tuple(access) for access in event.mem] == [(0x8000_1000, 0x2A, 4)]
