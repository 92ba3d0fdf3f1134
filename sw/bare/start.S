// SPDX-License-Identifier: Apache-2.0
/*
 * Start and end of a bare-metal program: calls `int main(void)` in M-mode with vectors on, and ends with what it returns.
 * A trap ends it, with exit code TRAPPED, unless it has a trap handler of its own: `on_trap`, as skip_traps.S has one.
 */
#define MSTATUS_VS	0x600
#define TRAPPED		100

	.section .text.start, "ax"

	.globl	_start
	.balign	4
_start:
	lla	sp, stack_top
	lla	t0, on_trap
	csrw	mtvec, t0
	li	t0, MSTATUS_VS
	csrs	mstatus, t0
	call	main

	/* exit(a0 & 255) */
	.globl	exit
exit:
	andi	a0, a0, 255
	slli	a0, a0, 1			# HTIF: code << 1 | 1
	ori	a0, a0, 1
	lla	t0, tohost
	sd	a0, 0(t0)
1:	j	1b

	.weak	on_trap
	.balign	4
on_trap:
	li	a0, TRAPPED
	j	exit

	.section .tohost, "aw"
	.balign	8
	.globl	tohost, fromhost
tohost:
	.dword	0
fromhost:
	.dword	0
