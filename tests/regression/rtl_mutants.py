# SPDX-License-Identifier: Apache-2.0
"""What each test here is good for: a bug in the RTL that it finds. `test_killed.py` puts every one in and looks.

The bugs are in `mutants_state.py`, `mutants_data.py` and `mutants_order.py`. One must leave alone what all tests share,
the reset and the loads at the beginning; see `CONTROLS`.
"""

from __future__ import annotations

import mutants_data
import mutants_order
import mutants_state
from mutation import Mutant

# Of these, at least one passes whatever the bug: it does not just break everything.
CONTROLS = ("test_csr.vlenb_is_vlen_in_bytes", "test_csr.nothing_is_written_to_x0")

# Except these: a wrong state after reset shows wherever one looks.
EVERYWHERE = ("no vill", "vsstatus.VS starts Dirty")

MUTANTS: dict[str, Mutant] = {}
KILLED_BY: dict[str, str] = {}  # test function, with its module: name of the bug

for _bug in (*mutants_state.BUGS, *mutants_data.BUGS, *mutants_order.BUGS):
    assert _bug.name not in MUTANTS, _bug.name
    MUTANTS[_bug.name] = Mutant(_bug.name, _bug.name, _bug.file, _bug.edits)
    for _part in _bug.kills.split(";"):
        _module, _, _functions = _part.partition(":")
        KILLED_BY.update((f"test_{_module.strip()}.{_function}", _bug.name) for _function in _functions.split())
