# SPDX-License-Identifier: Apache-2.0
"""Plans: what they mean, and one clear line for what they must not say."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from vctx.pymodel.errors import UsageError
from vctx.tb.campaign import cells
from vctx.tb.campaign.plan import Plan, read_plan, shard_of

FUZZ = '[[cells]]\njob = "fuzz"\ncount = 50\nvlen = [128, 256]\nseeds = 3\n'
AUDIT = '[[cells]]\njob = "audit"\nkernel = ["v12", "clean"]\n'
CELL = '[[cells]]\njob = "cosim"\n'
WRONG = {
    "": "it needs at least one [[cells]]",
    "cells = 3": "it needs at least one [[cells]]",
    "[[cells]]": "cells[1]: job must be one of cosim, fuzz,",
    '[[cells]]\njob = "fuz"': "cells[1].job: 'fuz' is not among the jobs; did you mean fuzz?",
    f"hour = 3\n{FUZZ}": "plan: 'hour' is not among the keys of a plan; did you mean hours?",
    f"hours = 0\n{FUZZ}": "hours = 0: must be a number above 0",
    f"until_coverage = 2\n{FUZZ}": "until_coverage = 2: must be a number above 0, at most 1",
    f'timeout = "1h"\n{FUZZ}': "timeout = '1h': must be a number from 0x1",
    f'name = "../x"\n{FUZZ}': "name = '../x': must consist of letters, digits",
    '[[cells]]\njob = "fuzz"\nvlen = 128': "cells[1]: fuzz needs count",
    f"{FUZZ}sim = 'icarus'": "cells[1]: sim = icarus: without against = 'rtl' there is no simulation",
    f"{FUZZ}vln = 128": "cells[1]: 'vln' is not among the options of fuzz; did you mean vlen?",
    FUZZ.replace("256", "200"): "cells[1]: VLEN=200: must be one of 128, 256,",
    FUZZ.replace("seeds = 3", "seeds = 0"): "cells[1].seeds = 0: must be a number from 0x1",
    f"{AUDIT}seeds = 2": "cells[1].seeds: audit takes no seed",
    f'{AUDIT}scenario = "x"': "cells[1].scenario=x: must be one of vs-off-closes-the-unit,",
    f"{CELL}kernel = 'v7'": "cells[1]: KERNEL=v7: must be one of v12,",
    f"{CELL}harts = 9": "cells[1]: HARTS=9: must be from 1 to 8",
    f"{CELL}vlen = []": "cells[1].vlen: must have at least one value",
    f"{CELL}routines = 'none.S'": "cells[1].routines = 'none.S': no such file",
    "x = [": "is not TOML",
}


def plan_of(folder: Path, text: str) -> Plan:
    path = folder / "some.toml"
    path.write_text(text)
    return read_plan(path)


@pytest.mark.parametrize(("text", "said"), WRONG.items(), ids=range(len(WRONG)))
def test_what_is_wrong_is_said_with_what_is_allowed(text: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as raised:
        plan_of(tmp_path, text)
    assert said in str(raised.value) and str(raised.value).startswith(str(tmp_path / "some.toml"))
    assert len(str(raised.value).splitlines()) == 1 or "TOML" in said


def test_cells_are_the_product_of_knobs_and_seeds(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, FUZZ + AUDIT)
    names = [cell.name for cell in plan.round(0)]
    assert len(names) == 2 * 3 + 2
    assert names[0] == '["fuzz",{"count":50,"seed":1,"vlen":128}]'
    assert names[-1] == '["audit",{"kernel":"clean"}]'
    assert {cell.seed for cell in plan.round(1)} == {4, 5, 6}  # the audits have no more to do
    assert len(plan.with_seeds(10, 7).round(0)) == 2 * 10 + 2
    assert plan.round(0)[0].command.endswith("fuzz --count 50 --vlen 128 --seed 1 --oracle spike")


def test_shards_are_the_whole_and_share_nothing(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, FUZZ + AUDIT).with_seeds(40, None)
    shards = Counter(cell.key for i in range(1, 17) for cell in replace(plan, shard=(i, 16)).round(0))
    assert shards == Counter(cell.key for cell in plan.round(0))
    for wrong in ("0/4", "5/4", "a/b", "3", "1/0"):
        with pytest.raises(UsageError, match="must be i/n"):
            shard_of(wrong)


def test_a_key_is_what_goes_into_a_cell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "routines.S"
    program.write_text("one")
    first = cells.cell_of("cosim", {"vlen": 256, "seed": 1, "routines": str(program)})
    assert first.key == cells.cell_of("cosim", {"seed": 1, "routines": str(program), "vlen": 256}).key
    assert first.key != cells.cell_of("cosim", {"vlen": 256, "seed": 2, "routines": str(program)}).key
    program.write_text("another")
    cells._digest_of.cache_clear()
    changed = cells.cell_of("cosim", {"vlen": 256, "seed": 1, "routines": str(program)})
    assert changed.key != first.key
    monkeypatch.setattr(cells, "fingerprint", lambda: "of other sources")
    assert cells.cell_of("cosim", dict(changed.options)).key != changed.key
