// SPDX-License-Identifier: Apache-2.0
/*
 * A host process that keeps its vector registers over preemption: fills all 32 with words that name it and the round,
 * computes without touching them until it has very likely been preempted, and then finds every bit as it left it.
 * a0 = work area of 2 * 32 * VLEN/8 bytes, a1 = owner tag.
 * Failure codes: 1-4 vl, vtype, vcsr, vstart; 5 a register; 6 vector arithmetic.
 */
#include "task.h"
#include "pattern.h"

#define SPIN	150

	.text
	.globl	_start
_start:
	mv	s0, a0				# image of the registers
	mv	s1, a1				# owner
	li	s2, 0				# round
	csrr	t0, vlenb
	slli	t0, t0, 5
	add	s3, s0, t0			# what the registers hold

next_round:
	csrr	s4, vlenb
	slli	s4, s4, 2			# words of 32 registers
	pattern_first t1, s1, s2, t0
	li	t2, PATTERN_STEP
	mv	t3, s0
	mv	t4, s4
fill:	sd	t1, (t3)
	add	t1, t1, t2
	addi	t3, t3, 8
	addi	t4, t4, -1
	bnez	t4, fill

	mv	t3, s0
	csrr	t0, vlenb
	slli	t0, t0, 3
	vl8re64.v v0, (t3)
	add	t3, t3, t0
	vl8re64.v v8, (t3)
	add	t3, t3, t0
	vl8re64.v v16, (t3)
	add	t3, t3, t0
	vl8re64.v v24, (t3)
	andi	s5, s2, 7
	csrw	vcsr, s5
	addi	t0, s5, 3
	vsetvli	s6, t0, e16, mf2, tu, mu
	csrr	s7, vtype

	li	t0, SPIN
spin:	addi	t0, t0, -1
	bnez	t0, spin

	li	a0, 1
	csrr	t0, vl
	bne	t0, s6, report
	li	a0, 2
	csrr	t0, vtype
	bne	t0, s7, report
	li	a0, 3
	csrr	t0, vcsr
	bne	t0, s5, report
	li	a0, 4
	csrr	t0, vstart
	bnez	t0, report

	mv	t3, s3
	csrr	t0, vlenb
	slli	t0, t0, 3
	vs8r.v	v0, (t3)
	add	t3, t3, t0
	vs8r.v	v8, (t3)
	add	t3, t3, t0
	vs8r.v	v16, (t3)
	add	t3, t3, t0
	vs8r.v	v24, (t3)
	li	a0, 5
	mv	t1, s0
	mv	t2, s3
compare:
	ld	t3, (t1)
	ld	t4, (t2)
	bne	t3, t4, report
	addi	t1, t1, 8
	addi	t2, t2, 8
	addi	s4, s4, -1
	bnez	s4, compare

	li	a0, 6				# (x ^ owner) + round - round ^ owner == x in element 0
	vsetvli	t0, zero, e64, m4, ta, ma
	vmv.x.s	t1, v8
	vxor.vx	v16, v8, s1
	vadd.vx	v16, v16, s2
	vsub.vx	v20, v16, s2
	vxor.vx	v20, v20, s1
	vmv.x.s	t2, v20
	bne	t1, t2, report
	li	a0, 0

report:	mv	a1, s2
	li	a7, SYS_REPORT
	ecall
	addi	s2, s2, 1
	j	next_round
