# SPDX-License-Identifier: Apache-2.0
"""What FuseSoC simulates: `python3 -m vctx.tb.jobs.vectors`, which vctx.core calls in the folder of a build.

Records a short run of the main job on the golden model, with the VLEN of that build, which FuseSoC leaves in *.eda.yml
there, and turns it into vectors. The trace stays beside them, for `vctx replay`. Exit codes: as of `vctx`.
"""

from __future__ import annotations

from pathlib import Path

import yaml

from vctx.pymodel.errors import UsageError
from vctx.pymodel.scenarios.shared_unit import SharedUnitConfig
from vctx.tb.ending import execute
from vctx.tb.jobs.cosim import record
from vctx.tb.knobs import Knobs
from vctx.tb.replay.vectors import write_vectors
from vctx.tb.runs.defaults import LATENCY
from vctx.tb.runs.progress import silent
from vctx.tb.runs.repeat import shown

VECTORS = "vectors.txt"  # where vctx_tb_vectors looks for them
_PAIRS, _ENTRIES = 20, 200  # of vcpu_load and vcpu_put, and guest entries: some 4,000 instructions


def main() -> None:
    """Write trace and vectors into the present folder."""
    folder = Path.cwd()
    files = sorted(folder.glob("*.eda.yml"))
    if len(files) != 1:
        raise UsageError(
            f"{folder}: holds {len(files)} *.eda.yml; this is for FuseSoC to call, in the folder of a build"
        )
    parameters = yaml.safe_load(files[0].read_text())["parameters"]
    knobs = Knobs(vlen=parameters["VLEN"]["default"], dlen=parameters["DLEN"]["default"], harts=1)
    config = SharedUnitConfig(vlen=knobs.vlen, harts=1, seed=knobs.seed, pairs=_PAIRS, entries=_ENTRIES)
    trace = folder / "trace.vctx"
    record(config, trace, "fusesoc run --target=sim vctx:vctx:vctx", silent)
    steps = write_vectors(trace, folder / VECTORS, LATENCY)
    print(f"{shown(trace)}: {steps} steps for the block, VLEN {knobs.vlen}")


if __name__ == "__main__":
    execute(main)
