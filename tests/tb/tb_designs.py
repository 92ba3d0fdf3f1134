# SPDX-License-Identifier: Apache-2.0
"""Designs other than the ordinary testbench: with edited sources, with a saboteur, with AxiRam as memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from tb_scripts import HARTS, VLEN

from vctx.tb.replay.launch import replay_config, run_replay
from vctx.tb.replay.result import Latency, ReplayResult
from vctx.tb.simulators.build import build
from vctx.tb.simulators.design import Design, replay_design
from vctx.tb.simulators.find import simulator

HERE = Path(__file__).resolve().parent
DLEN = 64


def edited(design: Design, edits: Mapping[str, tuple[str, str]], directory: Path) -> Design:
    """Return the design with text replaced in copies of its files: file name to (old, new)."""
    directory.mkdir()
    sources = []
    for path in design.sources:
        if path.name in edits:
            old, new = edits[path.name]
            text = path.read_text()
            assert old in text, f"{path.name} has no {old!r}"
            path = directory / path.name
            path.write_text(text.replace(old, new))
        sources.append(path)
    assert edits.keys() <= {path.name for path in sources}
    return replace(design, sources=tuple(sources))


def sabotaged(design: Design, directory: Path) -> Design:
    """Return the design with `vctx_saboteur.sv` around the block."""
    edits = {
        "vctx.sv": ("\nmodule vctx\n", "\nmodule vctx_honest\n"),
    }
    for name in {"vctx_tb_hart.sv", "vctx_tb_probe.sv"} & {path.name for path in design.sources}:
        edits[name] = ("u_dut.u_regfile", "u_dut.u_honest.u_regfile")
    design = edited(design, edits, directory)
    return replace(design, sources=(*design.sources, HERE / "vctx_saboteur.sv"))


def ordinary(*, batch: bool = False, waves: bool = False) -> Design:
    return replay_design(VLEN, DLEN, HARTS, batch=batch, waves=waves)


def with_axi_pins() -> Design:
    """One hart with its AXI port at the pins."""
    sources = (*replay_design(VLEN, DLEN, 1).sources, HERE / "vctx_tb_pins.sv")
    return Design("vctx_tb_pins", {"VLEN": VLEN, "DLEN": DLEN, "HasV": 1}, sources)


def replay_on(
    design: Design,
    trace: Path,
    out_dir: Path,
    *,
    latency: Latency | None = None,
    plusargs: tuple[str, ...] = (),
) -> ReplayResult:
    """Replay on Icarus, where a build costs half a second."""
    tool = simulator("icarus")
    config = replay_config(trace, sim="icarus", dlen=DLEN, out_dir=out_dir, latency=latency)
    module = "axiram_replay" if design.top == "vctx_tb_pins" else None
    env = {"PYTHONPATH": f"{HERE.parent.parent}:{HERE}"}
    return run_replay(tool, design, build(tool, design), config, test_module=module, env=env, plusargs=plusargs)
