"""`python -m vctx.pymodel.scenarios.linux FILE`: judge the golden hypervisor by a recording; 1 if a line differs."""

from __future__ import annotations

import sys
from pathlib import Path

from vctx.pymodel.errors import UsageError, VctxError
from vctx.pymodel.scenarios.linux import Kind, read_rows, replay, summary


def main(arguments: list[str]) -> int:
    """Print the lines that differ, explained or not, and the counts; return the exit code."""
    try:
        if len(arguments) != 1:
            raise UsageError("usage: python -m vctx.pymodel.scenarios.linux RECORDING.jsonl")
        verdicts = replay(read_rows(Path(arguments[0])))
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
