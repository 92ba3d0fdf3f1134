// SPDX-License-Identifier: Apache-2.0
/*
 * A host process that loads its vector registers from its work area, computes for a while without touching them, and
 * makes a system call; it reports what is in them before and after the call.
 * a0 = work area of 2 * 32 * VLEN/8 bytes: what to load, and what was found; a1 = value for vcsr.
 * Reports: a0 = 1 ready, 2 before the call, 3 after it; the CSRs found are in s2 vl, s3 vtype, s4 vcsr, s5 vstart.
 */
#include "task.h"
#include "move_all.h"

#define SPIN	150

	.macro	report kind
	li	a0, \kind
	li	a7, SYS_REPORT
	ecall
	.endm

	.macro	find
	csrr	s5, vstart
	csrr	s2, vl
	csrr	s3, vtype
	csrr	s4, vcsr
	csrr	t1, vlenb
	slli	t1, t1, 5
	add	t1, t1, s0
	move_all vs8r.v, t1
	.endm

	.text
	.globl	_start
_start:
	mv	s0, a0
	mv	s1, a1
again:
	report	1
	mv	t1, s0
	move_all vl8re8.v, t1
	csrw	vcsr, s1
	li	t0, 5
	vsetvli	zero, t0, e16, m1, ta, ma
	li	t0, SPIN
spin:	addi	t0, t0, -1
	bnez	t0, spin
	find
	report	2
	li	a7, SYS_CALL
	ecall
	find
	report	3
	j	again
