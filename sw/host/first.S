// SPDX-License-Identifier: Apache-2.0
/*
 * A host process that looks at its vector registers without ever having used them, and reports once.
 * a0 = work area, whose second 32 * VLEN/8 bytes get the registers; the CSRs found are in s2 vl, s3 vtype, s4 vcsr,
 * s5 vstart.
 */
#include "task.h"
#include "move_all.h"

	.text
	.globl	_start
_start:
	mv	s0, a0
	csrr	s2, vl
	csrr	s3, vtype
	csrr	s4, vcsr
	csrr	s5, vstart
	csrr	t1, vlenb
	slli	t1, t1, 5
	add	t1, t1, s0
	move_all vs8r.v, t1
	li	a0, 1
	li	a7, SYS_REPORT
	ecall
	j	.
