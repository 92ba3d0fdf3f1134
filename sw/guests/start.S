// SPDX-License-Identifier: Apache-2.0
/*
 * Entry of every guest: a0 = vCPU id, a1 = owner tag, as set by the one that created the vCPU.
 * GUEST_VS is what the guest sets its own sstatus.VS to; without it VS stays Off.
 */
#include "guest.h"

	.section .text.start, "ax"

	.globl	_start
	.balign	4
_start:
	lla	sp, stack_top
	lla	t0, trap_entry
	csrw	stvec, t0
	mv	s0, a1				# owner tag
	li	s1, 0				# round
#ifdef GUEST_VS
	li	t0, SR_VS			# a reset may find VS as an earlier life left it
	csrc	sstatus, t0
	li	t0, GUEST_VS
	csrs	sstatus, t0
#endif
next_round:
	mv	a0, s1
	mv	a1, s0
	call	guest_main
	mv	a1, s1
	sbi	SBI_REPORT
	addi	s1, s1, 1
	j	next_round

	/* Weak: a guest that expects traps brings its own handler. */
	.weak	trap_entry
	.balign	4
trap_entry:
	csrr	a0, scause
	addi	a0, a0, FAIL_TRAP
	csrr	a1, sepc
	sbi	SBI_REPORT
	j	trap_entry
