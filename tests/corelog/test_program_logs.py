# SPDX-License-Identifier: Apache-2.0
"""Spike's logs of compiled programs agree: all plain loops, and loops that need what the block lacks."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from logs import check
from run_programs import link
from test_run_plain_loops import PLAIN, compiled

from vctx.pymodel.corelog.findings import Report
from vctx.pymodel.profiles import text_of
from vctx.tb.spike.log import run_spike

WIDE = """
enum { N = 300 };
static unsigned a[N], b[N], c[N];
static struct { short x, y, z; } points[N];
static unsigned char index[N];

int main(void) {
    for (unsigned i = 0; i < N; i++) {
        a[i] = i * 2654435761u;
        b[i] = i % 7 + 1;
        index[i] = (unsigned char)(i * 37);
    }
    for (unsigned i = 0; i < N; i++) {
        points[i].x = (short)a[i];
        points[i].y = (short)b[i];
        points[i].z = (short)i;
    }
    for (unsigned i = 0; i < N; i++) c[i] = a[i] / b[i] + a[i] % b[i];
    for (unsigned i = 0; i < N; i++) b[i] = a[index[i]];
    int sum = 0;
    for (unsigned i = 0; i < N; i++) sum += points[i].x + points[i].y * points[i].z;
    for (unsigned i = 0; i < N; i++) sum += (int)(c[N - 1 - i] ^ b[i]);
    return sum == 0x7fffffff;
}
"""


def _judged(elf: Path, vlen: int, folder: Path, profile: str = "spike") -> tuple[str, Report]:
    log = folder / "spike.log"
    run_spike(elf, vlen, log)
    text = log.read_text()
    return text, check(elf, text.splitlines(keepends=True), folder, profile=profile, vlen=vlen)


@pytest.mark.parametrize("name", [path.stem for path in PLAIN.glob("*.c")])
def test_plain_loops(name: str, tmp_path: Path) -> None:
    for vlen in (128, 256, 1024):
        _, report = _judged(compiled(PLAIN / f"{name}.c", tmp_path), vlen, tmp_path)
        assert (report.sorted, report.ended) == ([], True)
        assert report.compared == report.had and report.compared["v"] > 50


@pytest.mark.parametrize("vlen", [128, 1024])
def test_loops_that_need_more(vlen: int, tmp_path: Path) -> None:
    source = tmp_path / "wide.c"
    source.write_text(WIDE)
    text, report = _judged(compiled(source, tmp_path), vlen, tmp_path)
    assert (report.sorted, report.ended) == ([], True)
    for mnemonic in ("vdivu", "vsseg3e16", "vluxei|vloxei"):
        assert re.search(rf" (?:{mnemonic})", text), mnemonic


def test_a_device_is_volatile_or_an_access_fault(tmp_path: Path) -> None:
    """Spike's UART answers at 0x10000005; whether it is there is up to the profile."""
    elf = link("\tli a1, 0x10000005\n\tlbu a0, 0(a1)\n\tli a0, 0\n\tj exit", tmp_path)
    _, report = _judged(elf, 128, tmp_path)
    (found,) = report.sorted
    assert (found.what, found.count) == ("lbu executes, must trap with cause 5", 1)
    own = tmp_path / "own.toml"
    own.write_text(re.sub(r"access_faults = .*", 'access_faults = ["fetch"]', text_of("spike")))
    _, report = _judged(elf, 128, tmp_path, str(own))
    assert (report.sorted, report.taken["volatile"], report.ended) == ([], 1, True)


def test_floating_point_moves(tmp_path: Path) -> None:
    body = "\tli t0, 0x2000\n\tcsrs mstatus, t0\n\tlla a1, data\n\t.option push\n\t.option arch, +d\n"
    body += (
        "\tfld f1, 0(a1)\n\tflw f2, 4(a1)\n\tfsgnjn.d f3, f1, f2\n\tfsd f3, 8(a1)\n\tfmv.x.d a2, f3\n\tfmv.w.x f4, a2\n"
    )
    body += (
        "\tcsrw fcsr, a2\n\tcsrr a3, frm\n\tfsw f4, 16(a1)\n\t.option pop\n\tcsrr a4, mstatus\n\tli a0, 0\n\tj exit\n"
    )
    elf = link(body + "\t.data\n\t.balign 8\ndata:\t.dword 0x7ff123456789abcd, 0, 0", tmp_path)
    _, report = _judged(elf, 128, tmp_path)
    assert (report.sorted, report.ended) == ([], True)
    assert report.compared["f"] == report.had["f"] == 4
