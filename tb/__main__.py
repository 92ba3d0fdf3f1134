# SPDX-License-Identifier: Apache-2.0
"""`python -m vctx.tb`, which `vctx` is: begins what takes time, and hands over to the command line."""

from __future__ import annotations

import os
import sys

from vctx.tb.process.worker import preload

_WITH_PROCESSES = ("cosim", "run")  # commands whose golden model runs in a process of its own


def main() -> None:
    """Entry point of the `vctx` command."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # of numpy, which nobody here has multiply matrices
    if sys.argv[1:] and sys.argv[1] in _WITH_PROCESSES:
        preload(f"vctx.tb.jobs.{sys.argv[1]}")  # on another core, while this one imports the same
    from vctx.tb.cli import main as command_line

    command_line()


if __name__ == "__main__":
    main()
