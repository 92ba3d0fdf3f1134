# SPDX-License-Identifier: Apache-2.0
"""Running cocotb tests in few simulator processes, so that each test has one clear outcome whatever happens.

A process runs many tests. If it dies, or nothing moves any more, the test that was running has failed, and another
process runs those that are left.
"""

from __future__ import annotations

import copy
import os
import re
import shutil
import signal
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

from vctx.tb.regression.cases import Case
from vctx.tb.simulators.design import Design
from vctx.tb.simulators.run import LOG, RESULTS, start
from vctx.tb.simulators.simulator import SimulationError, Simulator, log_tail

STUCK = 300.0  # seconds without a word in the log after which a process counts as stuck
# Outcomes are read from the log if nothing else is left; assertions of one's own tests show what they compared.
_TALKATIVE = {"COCOTB_LOG_LEVEL": "INFO", "COCOTB_ANSI_OUTPUT": "0", "COCOTB_REWRITE_ASSERTION_FILES": "*.py"}
_RUNNING = re.compile(r"^ *[\d.]+ns INFO +cocotb\.regression +running (?P<name>.+) \(\d+/\d+\)$", re.MULTILINE)
_ENDED = re.compile(
    r"^ *[\d.]+ns (?:INFO|WARNING) +cocotb\.regression +(?P<name>\S.*) (?P<how>passed|failed)\b.*$", re.M
)


@dataclass(frozen=True)
class Outcome:
    """What came of one test.

    Attributes:
        case: the test.
        passed: it did.
        message: why not, in several lines.
        nanoseconds: simulated time it took.
        seconds: wall time it took.
        log: what its simulator said.
        waves: the waves of its process, if they were wanted.
    """

    case: Case
    passed: bool
    message: str = ""
    nanoseconds: float = 0.0
    seconds: float = 0.0
    log: Path = Path()
    waves: Path | None = None


@dataclass
class Suite:
    """Tests to be run on a finished build.

    Attributes:
        tool, design: the simulator, and what runs on it. With waves, each test has a process and a dump of its own.
        build: returns where it was built for a simulator; asked again if plain waves are needed, after a death.
        out_dir: folder of everything that the run leaves.
        seed: cocotb's; every random choice of a test follows from it and the test's name.
        env: further environment variables of the simulator.
        stuck: see `STUCK`.
        jobs: simulator processes at the same time.
        progress: called with each outcome as it becomes known, from several threads.
    """

    tool: Simulator
    design: Design
    build: Callable[[Simulator], Path]
    out_dir: Path
    seed: int
    env: Mapping[str, str] = field(default_factory=dict)
    stuck: float = STUCK
    jobs: int = 1
    progress: Callable[[Outcome], None] = lambda outcome: None

    def run(self, cases: Sequence[Case]) -> list[Outcome]:
        """Run the tests and return their outcomes, in the same order; `out_dir` gets a results.xml of all of them.

        Raises:
            SimulationError: a simulator did not get as far as its first test.
        """
        shares = _shares(cases, self.jobs)
        stop = threading.Event()
        with ThreadPoolExecutor(len(shares)) as pool:
            futures = [
                pool.submit(self._run_share, share, self.out_dir / f"process{number}", stop)
                for number, share in enumerate(shares)
            ]
            try:
                found = {outcome.case: outcome for future in futures for outcome in future.result()}
            except BaseException:
                stop.set()  # the simulators of the other threads end with this
                raise
        outcomes = [found[case] for case in cases]
        write_results(outcomes, self.out_dir / RESULTS, self.seed)
        return outcomes

    def _run_share(self, cases: Sequence[Case], folder: Path, stop: threading.Event) -> list[Outcome]:
        outcomes: list[Outcome] = []
        left = list(cases)
        shutil.rmtree(folder, ignore_errors=True)
        while left:
            some = left[:1] if self.design.waves else left
            found = self._run_process(self.tool, some, folder / _safe(some[0]), stop)
            for outcome in found:
                self.progress(outcome)
            outcomes += found
            done = {outcome.case for outcome in found}
            left = [case for case in left if case not in done]
        return outcomes

    def _run_process(
        self, tool: Simulator, cases: Sequence[Case], folder: Path, stop: threading.Event
    ) -> list[Outcome]:
        """Run tests in one process, and return the outcomes of those that it ran; at least one."""
        folder.mkdir(parents=True)
        log, results = folder / LOG, folder / RESULTS
        waves = folder / tool.wave_file() if self.design.waves else None
        modules = list(dict.fromkeys(case.module for case in cases))
        environment = {
            "PYTHONPATH": os.pathsep.join(dict.fromkeys(str(case.directory) for case in cases)),
            "COCOTB_TEST_FILTER": "^(" + "|".join(re.escape(case.full) for case in cases) + ")$",
            **_TALKATIVE,
            **self.env,
        }
        watch = _Watch(log, self.stuck, stop)
        try:
            status = start(
                *(tool, self.design, self.build(tool), modules, folder),
                seed=self.seed,
                env=environment,
                poll=watch.poll,
            )
            end = f"{tool.name} {_death(status)}"
        except _StuckError:
            end = f"nothing happened for {self.stuck:.0f} s, and {tool.name} was ended"
        by_name = {case.full: case for case in cases}
        if results.exists():
            return _reported(results, by_name, log, waves)
        if waves is not None and not tool.plain_waves and waves.suffix == ".fst":
            # Nobody can read an FST file that was not closed. The same again, dumped as text.
            plain = copy.copy(tool)
            plain.plain_waves = True
            return self._run_process(plain, cases, folder / "plain", stop)
        return _autopsy(by_name, end, log, waves)


def _safe(case: Case) -> str:
    """Return the name of a test as that of a file."""
    return case.full.replace("/", ",")


def _death(status: int) -> str:
    """Return how a simulator ended."""
    return f"died of {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"


def _autopsy(cases: Mapping[str, Case], end: str, log: Path, waves: Path | None) -> list[Outcome]:
    """Return the outcomes of a process that has left no results: what its log tells."""
    text = log.read_text(errors="replace")
    started = [match["name"] for match in _RUNNING.finditer(text)]
    if not started:
        raise SimulationError(f"{end} before its first test; log: {log}\n{log_tail(log)}")
    ends = {match["name"]: match for match in _ENDED.finditer(text)}
    outcomes = []
    for name in started:
        match = ends.get(name)
        passed = match is not None and match["how"] == "passed"
        message = f"{end} in this test" if match is None else _block(text, match.end())
        outcomes.append(Outcome(cases[name], passed, "" if passed else message, log=log, waves=waves))
    return outcomes


class _StuckError(Exception):
    """A process says nothing any more."""


class _Watch:
    """Looks at a log now and then, and ends what writes it when it must."""

    def __init__(self, log: Path, patience: float, stop: threading.Event) -> None:
        self._log = log
        self._patience = patience
        self._stop = stop
        self._size = -1
        self._since = time.monotonic()

    def poll(self) -> None:
        """Raise if the process is to be ended."""
        if self._stop.is_set():
            raise KeyboardInterrupt
        size = self._log.stat().st_size if self._log.exists() else 0
        now = time.monotonic()
        if size != self._size:
            self._size, self._since = size, now
        elif now - self._since > self._patience:
            raise _StuckError


def _shares(cases: Sequence[Case], jobs: int) -> list[list[Case]]:
    """Deal tests out, in turn, so that long modules are shared."""
    return [share for share in (list(cases[number::jobs]) for number in range(jobs)) if share]


def _block(text: str, at: int) -> str:
    """Return the indented lines of a log that follow a position."""
    lines = []
    for line in text[at:].splitlines()[1:]:
        if line[:1] != " " or re.match(r" *[\d.-]+ns ", line):
            break
        lines.append(line.strip())
    return "\n".join(lines)


def _reported(results: Path, cases: Mapping[str, Case], log: Path, waves: Path | None) -> list[Outcome]:
    """Return the outcomes that cocotb wrote."""
    outcomes = []
    for element in ElementTree.parse(results).iter("testcase"):
        case = cases[f"{element.get('classname')}.{element.get('name')}"]
        properties = {p.get("name"): p.get("value") for p in element.iter("property")}
        wrong = next((child for child in element if child.tag in ("failure", "error", "skipped")), None)
        outcomes.append(
            Outcome(
                case,
                wrong is None,
                "" if wrong is None else (wrong.text or wrong.get("message") or wrong.tag).strip(),
                float(properties.get("sim_time_duration") or 0),
                float(element.get("time") or 0),
                log,
                waves,
            )
        )
    return outcomes


def write_results(outcomes: Sequence[Outcome], path: Path, seed: int) -> None:
    """Write the outcomes of all processes as one results.xml, in cocotb's form (JUnit)."""
    root = ElementTree.Element("testsuites", name="cocotb tests")
    suites: dict[str, ElementTree.Element] = {}
    for outcome in outcomes:
        module = outcome.case.module
        if module not in suites:
            suites[module] = ElementTree.SubElement(root, "testsuite", name=module)
        attributes = {"classname": module, "name": outcome.case.name, "time": f"{outcome.seconds:.3f}"}
        element = ElementTree.SubElement(suites[module], "testcase", attributes)
        properties = ElementTree.SubElement(element, "properties")
        for name, value in (("random_seed", seed), ("sim_time_duration", outcome.nanoseconds), ("sim_time_unit", "ns")):
            ElementTree.SubElement(properties, "property", name=name, value=str(value))
        if not outcome.passed:
            failure = ElementTree.SubElement(element, "failure", message=outcome.message.partition("\n")[0])
            failure.text = outcome.message
    for suite in suites.values():
        suite.set("tests", str(len(suite)))
        suite.set("failures", str(len(suite.findall("testcase/failure"))))
    path.parent.mkdir(parents=True, exist_ok=True)
    ElementTree.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)
