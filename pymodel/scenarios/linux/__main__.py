# SPDX-License-Identifier: Apache-2.0
"""`python -m vctx.pymodel.scenarios.linux FILE`: judge the golden hypervisor by a recording; 1 if a line differs.

A second argument names the kernel version to judge; without one it is that of the recorder's Linux.
"""

from __future__ import annotations

import sys
from pathlib import Path

from vctx.pymodel.errors import UsageError, VctxError
from vctx.pymodel.kvm import by_name
from vctx.pymodel.scenarios.linux import Kind, read_rows, replay, summary


def main(arguments: list[str]) -> int:
    """Print the lines that differ, explained or not, and the counts; return the exit code."""
    try:
        if len(arguments) not in (1, 2):
            raise UsageError("usage: python -m vctx.pymodel.scenarios.linux RECORDING.jsonl [KERNEL]")
        file, *names = arguments
        verdicts = replay(read_rows(Path(file)), by_name(names[0]) if names else None)
    except VctxError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    for verdict in verdicts:
        if verdict.differences:
            print(verdict)
    counts = summary(verdicts)
    print(", ".join(f"{count} {kind.value}" for kind, count in counts.items()))
    return int(counts[Kind.DIFFERS] != 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
