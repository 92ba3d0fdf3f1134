// SPDX-License-Identifier: Apache-2.0
/*
 * Masked operations with an exit between each two: v0 as mask must survive like any register. Odd elements are computed,
 * even ones keep their index. Failure codes: 1 an element of the merge, 2 an element of the masked store.
 */
#include "guest.h"

#define ELEMENTS	16
#define FILLER		0x5a5a

	.bss
	.balign	8
merged:	.space	2 * ELEMENTS
stored:	.space	2 * ELEMENTS

	.text
	.globl	guest_main
guest_main:					# a0 = round, a1 = owner
	mv	a2, a0
	mv	a6, a1				# an SBI call returns values in a0 and a1
	lla	a3, merged
	lla	a4, stored
	li	a5, FILLER
	vsetivli t0, ELEMENTS, e16, m2, ta, mu
	vmv.v.x	v12, a5
	vse16.v	v12, (a4)
	vid.v	v8
	vand.vi	v10, v8, 1
	vmseq.vi v0, v10, 1			# odd elements
	sbi	SBI_YIELD
	vmv.v.x	v12, a6
	vadd.vx	v12, v12, a2, v0.t		# odd: owner + round
	sbi	SBI_YIELD
	vmerge.vvm v16, v8, v12, v0
	vse16.v	v16, (a3)
	sbi	SBI_YIELD
	vse16.v	v12, (a4), v0.t

	add	a1, a6, a2
	slli	a1, a1, 48
	srli	a1, a1, 48			# owner + round in 16 bits
	li	t0, 0
verify:	andi	t1, t0, 1
	lhu	t2, (a3)
	lhu	t3, (a4)
	beqz	t1, even
	check_equal t2, a1, 1, done
	check_equal t3, a1, 2, done
	j	next
even:	check_equal t2, t0, 1, done
	check_equal t3, a5, 2, done
next:	addi	a3, a3, 2
	addi	a4, a4, 2
	addi	t0, t0, 1
	li	t1, ELEMENTS
	bne	t0, t1, verify
	li	a0, 0
done:	ret
