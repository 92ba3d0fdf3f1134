# SPDX-License-Identifier: Apache-2.0
"""Stimulus of a replay step by step: an instruction as the `stim_t` of `tb/hdl/vctx_tb_pkg.sv`."""

from __future__ import annotations

from collections.abc import Sequence

from vctx.pymodel.trace import Issue, Xlat
from vctx.tb.replay.layout import MANY, PAGE, PAGES, STIM

GO = 1 << STIM.shift("go")  # a change of this bit starts the hart
_MORE = 1 << STIM.shift("more")
_ISSUE = 1 << STIM.shift("issue")
_INSN = STIM.shift("insn")
_RS1 = STIM.shift("rs1")
_RS2 = STIM.shift("rs2")
_PRV = STIM.shift("prv")
_VIRT = STIM.shift("virt")
_FS = STIM.shift("fs_dirty")
_VSFS = STIM.shift("vsfs_dirty")
_IRQ_ELEM = STIM.shift("irq_elem")
_IRQ_VALID = STIM.shift("irq_valid")
_PAGES = STIM.shift("pages")
_PAGE = (STIM.shift("page0"), STIM.shift("page1"))


def requests(issue: Issue | None) -> list[int]:
    """Return the vectors, to be sent in turn, that issue an instruction, or for None the one that observes the state.

    Pages that do not fit into the last one come before it. `GO` is 0.
    """
    if issue is None:
        return [0]
    vector = (
        _ISSUE
        | issue.insn << _INSN
        | issue.rs1 << _RS1
        | issue.rs2 << _RS2
        | issue.prv << _PRV
        | issue.virt << _VIRT
        | issue.fs_dirty << _FS
        | issue.vsfs_dirty << _VSFS
    )
    if issue.irq_elem is not None:
        vector |= 1 << _IRQ_VALID | issue.irq_elem << _IRQ_ELEM
    pages = issue.xlat
    if len(pages) <= PAGES:
        return [vector | _pages(pages)]
    before = [_MORE | _pages(pages[first : first + PAGES]) for first in range(0, len(pages), PAGES)]
    return [*before, vector | MANY << _PAGES]


def _pages(pages: Sequence[Xlat]) -> int:
    vector = len(pages) << _PAGES
    for page, shift in zip(pages, _PAGE, strict=False):
        vector |= PAGE.pack(vpn=page.vpn, ppn=page.ppn, fault=page.fault, gpn=page.gpn) << shift
    return vector
