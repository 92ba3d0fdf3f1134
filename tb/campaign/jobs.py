# SPDX-License-Identifier: Apache-2.0
"""The jobs that a cell may be of: their options, the command that does the same, and how a worker runs them."""

from __future__ import annotations

import json
import shlex
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vctx.pymodel import schema
from vctx.pymodel.errors import UsageError
from vctx.pymodel.kvm.defects import DEFECTS
from vctx.pymodel.profiles import profile_of
from vctx.pymodel.scenarios.directed import SWEEPS
from vctx.pymodel.scenarios.library import SCENARIOS
from vctx.tb.knobs import DEFAULT_DLEN, DEFAULT_SIM, Knobs, one_of
from vctx.tb.runs.repeat import vctx_command

Options = Mapping[str, Any]
FOR_SPIKE, FOR_RTL = "spike", "rtl"
SEED = "seed"
_COUNT = schema.integer(1, 1 << 40)
_WIDTH = schema.integer(1, 1 << 16)


@dataclass(frozen=True)
class Job:
    """One kind of job.

    Attributes:
        options: what each of its options may be; a plan gives one value or a list of them.
        needed: options without which there is nothing to run. files: options that name a file.
        seeded: whether it takes a seed.
        check: raises UsageError for options that do not go together.
        words: the arguments of `vctx` that do the same, or of any other command.
        run: runs it and returns what it left as result.json; called where everything generated has a folder for it.
    """

    options: Mapping[str, schema.Check]
    check: Callable[[Options], object]
    words: Callable[[Options], list[str]]
    run: Callable[[Options], dict[str, Any]]
    needed: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    seeded: bool = False


def _one(allowed: tuple[str, ...]) -> schema.Check:
    def check(where: str, value: Any) -> str:
        one_of(where, value, allowed)
        return str(value)

    return check


def _knobs(options: Options, vlen: int = 256) -> Knobs:
    """Return the knobs of a cell, checked."""
    known = ("sim", "seed", "harts", "vcpus", "kernel")
    width = options.get("vlen", vlen)
    dlen = options.get("dlen", min(DEFAULT_DLEN, width))
    return Knobs(vlen=width, dlen=dlen, **{name: options[name] for name in known if name in options})


def _given(options: Options, *names: str) -> list[str]:
    """Return the options of a command line for those that are given."""
    return [f"--{name} {shlex.quote(str(options[name]))}" for name in names if name in options]


def _read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text())
    return found


# --- cosim ---


def _cosim(options: Options) -> dict[str, Any]:
    from vctx.tb.jobs.cosim import cosim

    more = {name: options[name] for name in ("pairs", "entries", "routines") if name in options}
    return _read(cosim(_knobs(options), **more).path)


_COSIM = Job(
    {
        "sim": schema.string,
        "vlen": _WIDTH,
        "dlen": _WIDTH,
        "kernel": schema.string,
        "harts": _WIDTH,
        "vcpus": _WIDTH,
        "pairs": _COUNT,
        "entries": _COUNT,
        "routines": schema.string,
    },
    _knobs,
    lambda o: [
        "cosim",
        *_given(o, "sim", "vlen", "dlen", "kernel", "harts", "vcpus", "pairs", "entries", "routines", SEED),
    ],
    _cosim,
    files=("routines",),
    seeded=True,
)


# --- fuzz ---


def _fuzz_config(options: Options) -> Any:
    from vctx.tb.jobs.fuzz import FuzzConfig

    rtl = options.get("against", FOR_SPIKE) == FOR_RTL
    if not rtl and (extra := [name for name in ("sim", "dlen") if name in options]):
        raise UsageError(f"{extra[0]} = {options[extra[0]]}: without against = {FOR_RTL!r} there is no simulation")
    return FuzzConfig(
        options["count"],
        options.get(SEED, 1),
        (options["vlen"],),
        spike=not rtl,
        rtl=rtl,
        sim=options.get("sim", DEFAULT_SIM),
        dlen=options.get("dlen"),
        wide="profile" in options and profile_of(options["profile"]).hart.wide,
    )


def _fuzz(options: Options) -> dict[str, Any]:
    from vctx.tb.jobs.fuzz import fuzz

    return _read(fuzz(_fuzz_config(options)).path)


def _fuzz_words(options: Options) -> list[str]:
    sides = ["--rtl"] if options.get("against") == FOR_RTL else ["--oracle spike"]
    return ["fuzz", *_given(options, "count", "vlen", SEED, "profile"), *sides, *_given(options, "sim", "dlen")]


_FUZZ = Job(
    {
        "against": _one((FOR_SPIKE, FOR_RTL)),
        "count": _COUNT,
        "vlen": _WIDTH,
        "dlen": _WIDTH,
        "sim": schema.string,
        "profile": schema.string,
    },
    _fuzz_config,
    _fuzz_words,
    _fuzz,
    needed=("count", "vlen"),
    seeded=True,
)

# --- sweep ---


def _sweep(options: Options) -> dict[str, Any]:
    from vctx.tb.jobs.sweep import sweep

    knobs = _knobs(options, 128)
    spike = options.get("spike", True)
    return _read(sweep(options["name"], sim=knobs.sim, vlen=knobs.vlen, dlen=knobs.dlen, spike=spike).path)


def _sweep_words(options: Options) -> list[str]:
    knobs = _knobs(options, 128)
    widths = [f"--vlen {knobs.vlen}", f"--dlen {knobs.dlen}"]
    return [
        "sweep",
        options["name"],
        f"--sim {knobs.sim}",
        *widths,
        *([] if options.get("spike", True) else ["--no-spike"]),
    ]


_SWEEP = Job(
    {"name": _one(tuple(SWEEPS)), "sim": schema.string, "vlen": _WIDTH, "dlen": _WIDTH, "spike": schema.boolean},
    lambda o: _knobs(o, 128),
    _sweep_words,
    _sweep,
    needed=("name",),
)

# --- audit ---


def _audit(options: Options) -> dict[str, Any]:
    from vctx.tb.jobs.audit import run_audit

    more = {name: options[name] for name in ("defect", "routines", "rtl", "sim") if name in options}
    scenarios = [options["scenario"]] if "scenario" in options else []
    return _read(run_audit(options["kernel"], scenarios=scenarios, **more).path)


_AUDIT = Job(
    {
        "kernel": schema.string,
        "defect": _one(tuple(DEFECTS)),
        "scenario": _one(tuple(SCENARIOS)),
        "routines": schema.string,
        "rtl": schema.boolean,
        "sim": schema.string,
    },
    _knobs,
    lambda o: [
        "audit",
        *_given(o, "kernel", "defect", "scenario", "routines"),
        *(["--rtl"] if o.get("rtl") else []),
        *_given(o, "sim"),
    ],
    _audit,
    needed=("kernel",),
    files=("routines",),
)

# --- check-log ---


def _check_log(options: Options) -> dict[str, Any]:
    from vctx.tb.jobs.check_log import check_log

    profile = profile_of(options.get("profile")).with_vlen(options.get("vlen"))
    return _read(check_log(Path(options["program"]), Path(options["log"]), profile).path)


_CHECK_LOG = Job(
    {"program": schema.string, "log": schema.string, "profile": schema.string, "vlen": _WIDTH},
    lambda o: (profile_of(o.get("profile")), _knobs({name: o[name] for name in ("vlen",) if name in o})),
    lambda o: [
        "check-log",
        shlex.quote(o["program"]),
        shlex.quote(o["log"]),
        *_given(o, "profile", "vlen"),
    ],
    _check_log,
    needed=("program", "log"),
    files=("program", "log"),
)

# --- command ---


def _command(options: Options) -> dict[str, Any]:
    done = subprocess.run(_command_words(options), stdin=subprocess.DEVNULL, check=False)
    return {"ok": done.returncode == 0, "status": done.returncode}


def _command_words(options: Options) -> list[str]:
    words = shlex.split(options["run"])
    return [word.replace("{seed}", str(options[SEED])) for word in words] if SEED in options else words


_COMMAND = Job(
    {"run": schema.string, "file": schema.string},
    lambda o: shlex.split(o["run"]),
    lambda o: [shlex.quote(word) for word in _command_words(o)],
    _command,
    needed=("run",),
    files=("file",),
    seeded=True,
)

JOBS: Mapping[str, Job] = {
    "cosim": _COSIM,
    "fuzz": _FUZZ,
    "sweep": _SWEEP,
    "audit": _AUDIT,
    "check-log": _CHECK_LOG,
    "command": _COMMAND,
}
"""The jobs by name."""


def command_line(job: str, options: Options) -> str:
    """Return the command line that does what a cell does."""
    words = JOBS[job].words(options)
    return " ".join(words) if job == "command" else vctx_command(*words, out=False)
