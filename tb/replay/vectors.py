# SPDX-License-Identifier: Apache-2.0
"""Vectors: a trace of one hart as text, which `tb/hdl/vectors/vctx_tb_vectors.sv` replays and judges without Python.

That file says what the lines are.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from vctx.pymodel.errors import UsageError
from vctx.pymodel.trace import Checkpoint, Insn, Retire, Store, TraceReader
from vctx.pymodel.trace.header import Header
from vctx.tb.replay.layout import CFG, OBS, POKE
from vctx.tb.replay.memory import GoldenImage, words
from vctx.tb.replay.result import Latency
from vctx.tb.replay.step.stimulus import requests

_STATE = ("vl", "vtype", "vstart", "vcsr", "mstatus_vs", "vsstatus_vs")


def write_vectors(trace: Path, vectors: Path, latency: Latency | None = None) -> int:
    """Write the vectors of a trace, and return how many steps the block has to answer.

    Args:
        latency: of memory and translate port; default none.

    Raises:
        TraceError: the trace is bad. UsageError: it is of several harts.
    """
    header = Header.of(trace)
    if header.harts != 1:
        raise UsageError(f"{trace}: vectors are of one hart, and this trace of {header.harts}")
    count = 0
    with vectors.open("w") as out:
        for line in _lines(trace, header, latency or Latency()):
            count += line[0] in "ik"
            print(line, file=out)
        print(f"e {count}", file=out)
    return count


def _lines(trace: Path, header: Header, latency: Latency) -> Iterator[str]:
    config = CFG.pack(
        ram_base=header.ram_base,
        ram_size=header.ram_size,
        fill=header.fill,
        random=latency.random,
        latency=latency.cycles,
        stall=latency.stall,
        xlat=latency.xlat,
        seed=header.seed & 0xFFFFFFFF,
    )
    yield f"c {header.vlen} {config:x}"
    golden = GoldenImage(header.fill)
    for index, event in enumerate(TraceReader(trace)):
        if isinstance(event, Store):
            golden.store(event.paddr, event.data)
            for addr, strb, data in words(event.paddr, event.data):
                yield f"s {POKE.pack(addr=addr, strb=strb, data=data):x}"
        elif isinstance(event, Insn):
            golden.update(event.retire.mem)
            *before, request = requests(event.issue)
            yield from (f"p {pages:x}" for pages in before)
            yield f"i {index} {_step(request, event.retire)}"
        elif isinstance(event, Checkpoint):
            (request,) = requests(None)
            yield f"k {index} {_step(request, event.state)}"
    for addr, value in golden.words():
        yield f"m {addr:x} {value:x}"


def _step(request: int, retire: Retire) -> str:
    """Return request, expected observation, the bits of it that count, and the registers that are written."""
    expected = {name: getattr(retire, name) for name in _STATE}
    expected |= {"trap": retire.trap is not None, "irq": retire.irq, "rd_we": retire.rd is not None, "errors": 0}
    if retire.trap is not None:
        expected |= {"cause": retire.trap.cause, "tval": retire.trap.tval, "tval2": retire.trap.tval2}
    if retire.rd is not None:
        expected["rd"] = retire.rd
    numbers = [request, OBS.pack(**expected), OBS.ones(*expected), sum(1 << reg for reg in retire.vregs)]
    numbers += (int.from_bytes(retire.vregs[reg], "little") for reg in sorted(retire.vregs))
    return " ".join(f"{number:x}" for number in numbers)
