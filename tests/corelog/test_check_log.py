# SPDX-License-Identifier: Apache-2.0
"""`vctx check-log`: Spike's logs agree, and every fault put into one is found."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path

import pytest
from logs import FAULTS, check, spike_log
from run_programs import every_csr, link, random_words

from vctx.pymodel.errors import UsageError
from vctx.pymodel.profiles import text_of
from vctx.pymodel.programs import PROGRAMS
from vctx.tb.spike.log import run_spike

BARE = [name for name in PROGRAMS if name.startswith("bare-")]


@pytest.mark.parametrize("vlen", [128, 256, 1024])
@pytest.mark.parametrize("name", BARE)
def test_spikes_logs_agree(name: str, vlen: int, tmp_path: Path) -> None:
    elf, lines = spike_log(name, vlen)
    report = check(elf, lines, tmp_path, vlen=vlen)
    assert report.sorted == [] and report.ended and report.events > 4000
    assert report.compared == report.had  # all that there is was compared
    assert report.taken["adopted"] == 0


@pytest.mark.parametrize("seed", range(3))
def test_spikes_logs_of_random_programs_agree(seed: int, tmp_path: Path) -> None:
    for name, text in (("csrs", every_csr()), ("words", random_words(seed, 400))):
        elf = link(text, tmp_path, name)
        log = tmp_path / f"{name}.log"
        run_spike(elf, 256, log)
        report = check(elf, log.read_text().splitlines(keepends=True), tmp_path, vlen=256)
        assert (report.sorted, report.ended) == ([], True)


@pytest.mark.parametrize("seed", range(16))
@pytest.mark.parametrize("fault", FAULTS)
def test_faults_are_found(fault: str, seed: int, tmp_path: Path) -> None:
    """13 kinds of faults, 16 of each."""
    elf, good = spike_log("bare-modes", 128)
    lines = list(good)
    changed = FAULTS[fault](random.Random(f"{fault}{seed}"), lines)
    report = check(elf, lines, tmp_path)
    assert not changed or not report.ok


def test_a_log_that_says_less_is_compared_less(tmp_path: Path) -> None:
    elf, lines = spike_log("bare-modes", 128)
    fewer = [re.sub(r" (?:c\d+_\w+|v\d+|mem) .*", "", line) for line in lines if " tval " not in line]
    own = tmp_path / "own.toml"
    own.write_text(re.sub(r"complete = .*", "complete = []", text_of("spike")))
    report = check(elf, fewer, tmp_path, profile=str(own))
    assert report.compared["csr"] == report.compared["v"] == report.compared["mem"] == report.compared["tval"] == 0
    assert report.had["csr"] > 0 and report.compared["x"] == report.had["x"] > 1000
    assert report.sorted == [] and report.ended


def test_a_difference_is_adopted_and_counted_once(tmp_path: Path) -> None:
    elf, good = spike_log("bare-loops", 128)
    lines = list(good)
    at = next(at for at, line in enumerate(lines) if " v8 " in line)
    lines[at] = re.sub(r"( v8 +0x)(.)", lambda m: m[1] + ("0" if m[2] != "0" else "1"), lines[at])
    report = check(elf, lines, tmp_path)
    first = min(report.sorted, key=lambda found: found.first.line)
    assert (first.first.line, first.first.mode) == (at + 1, "M")
    assert "vector register" in first.what and first.first.text.startswith("v")
    assert report.taken["adopted"] >= 1 and report.ended
    assert json.loads(json.dumps(report.as_json()))["findings"][0]["count"] >= 1


def test_a_core_without_vs_in_sstatus_is_grouped_under_its_rule(tmp_path: Path) -> None:
    """What cva6 #3181 looks like in a log: sstatus lacks VS; SD is as the field shown makes it, which is one fault."""
    elf, good = spike_log("bare-modes", 128)
    wrong = []
    for line in good:
        word = re.search(r"\(0x([0-9a-f]{8})\)", line)
        read = word and int(word[1], 16) & 0x7F == 0x73 and int(word[1], 16) >> 20 == 0x100
        if read and " x" in line:
            line = re.sub(
                r"( x\d+ +0x)([0-9a-f]{16})", lambda m: f"{m[1]}{int(m[2], 16) & ~(1 << 63 | 0x600):016x}", line
            )
        wrong.append(line)
    assert wrong != list(good)
    report = check(elf, wrong, tmp_path)
    rules = {found.rule for found in report.sorted if "sstatus" in found.what}
    assert "B-12" not in rules and rules & {"B-3, B-7", "B-8", "B-4, B-15", "B-13"}
    assert report.ended and not report.stopped


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([], "is not a commit log"),
        (["hello\n"], "is not a commit log"),
        (["core   0: 3 0x0000000000001000 (0x00000297) x5  0x1\n"], "no instruction at 0x80000000"),
        (["core   0: 3 0x0000000080000000 (0x00000297) x5  0xzz\n"], "line 1 cannot be read"),
    ],
)
def test_what_is_no_log_is_refused(lines: list[str], message: str, tmp_path: Path) -> None:
    elf, _ = spike_log("bare-modes", 128)
    with pytest.raises(UsageError, match=message):
        check(elf, lines, tmp_path)


def test_the_log_of_another_program_is_given_up(tmp_path: Path) -> None:
    elf, _ = spike_log("bare-modes", 128)
    _, lines = spike_log("bare-loops", 128)
    report = check(elf, lines, tmp_path)
    assert not report.ok


def test_what_the_hart_lacks_is_a_message(tmp_path: Path) -> None:
    text = "\tli t0, 0x2000\n\tcsrs mstatus, t0\n\tfmv.d.x f1, zero\n\t.4byte 0x021080d3\n\tli a0, 0\n\tj exit"
    elf = link(text.replace("fmv.d.x f1, zero", ".4byte 0xf20000d3"), tmp_path)
    log = tmp_path / "float.log"
    run_spike(elf, 128, log)
    with pytest.raises(UsageError, match=r"lacks fadd\.d f1, f1, f1 .* in main"):
        check(elf, log.read_text().splitlines(keepends=True), tmp_path)
