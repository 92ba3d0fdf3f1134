# SPDX-License-Identifier: Apache-2.0
"""Which interrupt a hart has to take: enables, delegation, priority (F-4)."""

from __future__ import annotations

from pathlib import Path

import pytest
from run_programs import golden, link, spike

from vctx.pymodel.isa import Csr, Hart, HartConfig, Memory
from vctx.pymodel.isa.trap import pending_interrupt

MIE, SIE = 1 << 3, 1 << 1
SSI, VSSI, MSI, STI, VSTI, MTI, SEI, VSEI, MEI = (1 << n for n in (1, 2, 3, 5, 6, 7, 9, 10, 11))
M, HS, U, VS, VU = (3, False), (1, False), (0, False), (1, True), (0, True)


@pytest.mark.parametrize(
    ("mode", "mstatus", "vsstatus", "mideleg", "hideleg", "pending", "cause"),
    [
        (M, 0, 0, 0, 0, SSI | MTI, None),
        (M, MIE, 0, 0, 0, SSI | MTI, 7),
        (M, MIE, 0, 0, 0, MEI | MSI | MTI, 11),
        (M, MIE, 0, 0, 0, SSI | STI | SEI, 9),
        (M, MIE, 0, SSI, 0, SSI, None),  # delegated below the mode
        (HS, 0, 0, 0, 0, MTI, 7),  # M-level interrupts cannot be masked below
        (HS, 0, 0, SSI, 0, SSI, None),
        (HS, SIE, 0, SSI, 0, SSI, 1),
        (HS, SIE, 0, SSI, 0, SSI | MTI, 7),
        (HS, SIE, 0, 0, VSSI, VSSI, None),  # for a guest, which does not run
        (HS, SIE, 0, 0, 0, VSSI, 2),  # mideleg hands VS-level interrupts to HS in any case
        (U, 0, 0, SSI, 0, SSI, 1),
        (VS, 0, 0, SSI, 0, SSI, 1),
        (VS, 0, 0, 0, VSSI | VSEI, VSSI | VSEI, None),
        (VS, SIE, 0, 0, VSSI, VSSI, None),
        (VS, 0, SIE, 0, VSSI | VSEI | VSTI, VSSI | VSEI | VSTI, 10),
        (VS, 0, SIE, SSI, VSTI, VSTI | SSI, 1),
        (VS, 0, 0, 0, 0, VSTI, 6),
        (VU, 0, 0, 0, VSTI, VSTI, 6),
    ],
)
def test_pending_interrupt(
    mode: tuple[int, bool], mstatus: int, vsstatus: int, mideleg: int, hideleg: int, pending: int, cause: int | None
) -> None:
    hart = Hart(HartConfig(128), Memory([(0, 4096)]))
    hart.set_mode(*mode)
    for csr, value in (
        (Csr.MSTATUS, mstatus),
        (Csr.VSSTATUS, vsstatus),
        (Csr.MIDELEG, mideleg),
        (Csr.HIDELEG, hideleg),
        (Csr.MIE, pending),
        (Csr.MIP, pending),
    ):
        hart.csr[csr] = value
    assert pending_interrupt(hart) == cause
    hart.csr[Csr.MIE] = 0
    assert pending_interrupt(hart) is None


def test_interrupts_of_a_program(tmp_path: Path) -> None:
    """Timer, software and guest interrupts, at the instruction where Spike takes them."""
    text = """
	lla	t0, acknowledge
	csrw	mtvec, t0
	li	s1, 0x6ee
	csrs	mie, s1
	csrsi	mstatus, 8			# the timer is pending from the start
	csrw	mie, s1
	csrw	hvip, s1
	csrw	mip, s1
	csrw	mie, zero
	csrsi	mie, 2
	csrsi	mip, 2
	csrw	mie, zero
	csrw	mip, zero
	csrci	mstatus, 8
	li	t0, 0x80
	csrs	mie, t0
	wfi					# wakes without a trap
	li	a0, 0
	j	exit
	.balign	4
acknowledge:
	csrr	t0, mcause
	csrw	mie, zero
	csrw	mip, zero
	csrw	hvip, zero
	mret
    """
    elf = link(text, tmp_path)
    ended, log = golden(elf, 128)
    assert ended.exit_code == 0
    assert {line.split(",")[0].split("#")[1] for line in log if "interrupt" in line} >= {"7", "1"}
    assert log == spike(elf, 128, tmp_path)[1]
