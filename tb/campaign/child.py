# SPDX-License-Identifier: Apache-2.0
"""The process in which cells run, one after the other, so that what one has loaded is there for the next.

It reads a request, a line of JSON, from one pipe, and answers with a line on another. What jobs print goes to the log
of the cell. It ends, and everything it started with it, when whoever holds the other end of the first pipe is no more.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import sys
import threading
import traceback
from pathlib import Path
from typing import Any

from vctx.pymodel.errors import VctxError
from vctx.pymodel.places import CACHE_VARIABLE, OUT_VARIABLE
from vctx.tb.campaign.jobs import JOBS
from vctx.tb.campaign.outcome import BROKEN, PASSED, Outcome, outcome_of

LOG = "cell.log"
_LOG_END = 4_000  # characters of a log that are kept


def main() -> None:
    """Serve requests from descriptor `argv[1]`, with answers to `argv[2]`."""
    requests, answers = int(sys.argv[1]), int(sys.argv[2])
    threading.Thread(target=_end_with, args=(requests,), daemon=True).start()
    with open(requests) as lines, open(answers, "w") as out:
        for line in lines:
            answer = _run(json.loads(line))
            out.write(json.dumps(answer) + "\n")
            out.flush()


def _end_with(requests: int) -> None:
    """Wait until nobody can send requests any more, then end the whole process group."""
    gone = select.poll()
    gone.register(requests, 0)  # a hang-up is always reported
    gone.poll()
    os.killpg(0, signal.SIGKILL)


def _run(request: dict[str, Any]) -> dict[str, Any]:
    """Run a cell and return its outcome; keep its folder unless it passed."""
    folder = Path(request["folder"])
    shutil.rmtree(folder, ignore_errors=True)
    try:
        os.chdir(request["cwd"])
        folder.mkdir(parents=True)
        os.environ[OUT_VARIABLE] = str(folder)
        os.environ[CACHE_VARIABLE] = request["cache"]
        with (folder / LOG).open("wb") as log:
            os.dup2(log.fileno(), 1)
            os.dup2(log.fileno(), 2)
        outcome = _outcome(request, folder)
    except OSError as error:  # a full disk, say
        outcome = Outcome(BROKEN, log=f"{error.filename or folder}: {error.strerror or error}")
    if outcome.status == PASSED:
        shutil.rmtree(folder, ignore_errors=True)
    return outcome.as_json()


def _outcome(request: dict[str, Any], folder: Path) -> Outcome:
    try:
        result = JOBS[request["job"]].run(request["options"])
        return outcome_of(request["job"], result, folder)
    except VctxError as error:
        return Outcome(BROKEN, log=f"{error}\n{log_of(folder)}".strip())
    except OSError:
        raise
    except Exception:  # a fault of vctx's own must cost a cell, not the campaign
        return Outcome(BROKEN, log=traceback.format_exc()[-_LOG_END:])


def log_of(folder: Path) -> str:
    """Return the end of what a cell said."""
    try:
        return (folder / LOG).read_text(errors="replace")[-_LOG_END:]
    except OSError:
        return ""


if __name__ == "__main__":
    main()
