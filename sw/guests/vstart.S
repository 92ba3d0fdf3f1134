// SPDX-License-Identifier: Apache-2.0
/*
 * Leaves a nonzero vstart, and a vcsr, across exits. The load that follows must skip the elements below vstart and then
 * clear it. Failure codes: 1 vstart after the exit, 2 vcsr, 3 vstart after the load, 4 an element.
 */
#include "guest.h"

	.bss
	.balign	8
bytes:	.space	16
result:	.space	16

	.text
	.globl	guest_main
guest_main:					# a0 = round, a1 = owner
	andi	a2, a0, 15			# VLEN is at least 128: 16 elements of a byte
	andi	a3, a0, 7
	lla	a4, bytes
	li	t0, 0
number:	add	t1, a4, t0
	add	t2, t0, a0
	sb	t2, (t1)			# bytes[i] = round + i
	addi	t0, t0, 1
	li	t1, 16
	bne	t0, t1, number

	vsetivli t0, 16, e8, m1, ta, ma
	vmv.v.x	v3, a1
	csrw	vcsr, a3
	csrw	vstart, a2
	mv	a5, a0				# an SBI call returns values in a0 and a1
	mv	a6, a1
	sbi	SBI_YIELD
	csrr	t0, vstart
	check_equal t0, a2, 1, done
	csrr	t0, vcsr
	check_equal t0, a3, 2, done
	vle8.v	v3, (a4)
	csrr	t0, vstart
	check_equal t0, zero, 3, done

	lla	a4, result
	vse8.v	v3, (a4)
	andi	a1, a6, 255
	li	t0, 0
verify:	mv	t1, a1				# below vstart: the owner's tag
	blt	t0, a2, untouched
	add	t1, a5, t0
	andi	t1, t1, 255
untouched:
	add	t2, a4, t0
	lbu	t2, (t2)
	check_equal t1, t2, 4, done
	addi	t0, t0, 1
	li	t1, 16
	bne	t0, t1, verify
	li	a0, 0
done:	ret
