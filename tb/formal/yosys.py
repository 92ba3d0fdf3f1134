# SPDX-License-Identifier: Apache-2.0
"""Yosys as SymbiYosys calls it, made of pyosys: `yosys.py -ql LOG SCRIPT.ys`.

A program of its own, which imports nothing of vctx: it is started hundreds of times.
"""

from __future__ import annotations

import os
import sys

from pyosys import libyosys as ys


def main(arguments: list[str]) -> None:
    """Run one script, with a log if there is one to write."""
    log = ""
    for position, argument in enumerate(arguments):
        if argument.startswith("-") and argument.endswith("l"):
            log = f"tee -q -o {arguments[position + 1]} "
    ys.run_pass(f"{log}script {arguments[-1]}", ys.yosys_get_design())
    sys.stdout.flush()
    os._exit(0)  # libyosys crashes in its exit handlers


if __name__ == "__main__":
    main(sys.argv[1:])
