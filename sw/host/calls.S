// SPDX-License-Identifier: Apache-2.0
/*
 * A host process that makes system calls between pieces of vector work: what it has in its registers is lost to each
 * call, so it keeps nothing over one, and the next piece begins with VS as the kernel left it, with a write of vcsr, a
 * vset or a load in turn. a0 = work area, a1 = owner tag. Failure codes: 1 a sum, 2 vcsr.
 */
#include "task.h"

#define ELEMENTS	12

	.text
	.globl	_start
_start:
	mv	s0, a0
	mv	s1, a1
	li	s2, 0				# round
next_round:
	andi	t0, s2, 3
	andi	s3, s2, 7
	beqz	t0, by_vcsr
	addi	t0, t0, -1
	beqz	t0, by_load
	vsetivli zero, ELEMENTS, e16, m2, ta, ma
by_vcsr:
	csrw	vcsr, s3
	vsetivli zero, ELEMENTS, e16, m2, ta, ma
	vid.v	v2
	vadd.vx	v4, v2, s1
	vse16.v	v4, (s0)
by_load:
	vl1re16.v v6, (s0)
	csrw	vcsr, s3
	vsetivli zero, ELEMENTS, e16, m2, ta, ma
	vid.v	v2
	vadd.vx	v4, v2, s1
	vse16.v	v4, (s0)
	csrr	t0, vcsr
	li	a0, 2
	bne	t0, s3, report
	li	t1, ELEMENTS
	mv	t2, s0
	mv	t3, s1
sum:	lhu	t0, (t2)
	slli	t4, t3, 48
	srli	t4, t4, 48
	li	a0, 1
	bne	t0, t4, report
	addi	t2, t2, 2
	addi	t3, t3, 1
	addi	t1, t1, -1
	bnez	t1, sum
	li	a7, SYS_CALL
	ecall
	li	a0, 0
report:	mv	a1, s2
	li	a7, SYS_REPORT
	ecall
	addi	s2, s2, 1
	j	next_round
