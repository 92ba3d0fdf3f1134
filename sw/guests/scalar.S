// SPDX-License-Identifier: Apache-2.0
/*
 * Never touches the vector unit, and leaves its VS Off: the hypervisor must save nothing for it. Computes a checksum
 * forwards and backwards over a table. Failure codes: 1 checksums differ, 2 VS is not Off any more.
 */
#include "guest.h"

#define WORDS	32

	.bss
	.balign	8
table:	.space	8 * WORDS

	.text
	.globl	guest_main
guest_main:					# a0 = round, a1 = owner
	li	t0, 0x5851f42d4c957f2d
	mul	t1, a0, t0
	add	t1, t1, a1
	lla	a2, table
	li	a3, WORDS
	li	a4, 0
forwards:
	mul	t1, t1, t0
	addi	t1, t1, 11
	sd	t1, (a2)
	add	a4, a4, t1
	addi	a2, a2, 8
	addi	a3, a3, -1
	bnez	a3, forwards
	sbi	SBI_YIELD
	li	a3, WORDS
backwards:
	addi	a2, a2, -8
	ld	t1, (a2)
	sub	a4, a4, t1
	addi	a3, a3, -1
	bnez	a3, backwards
	check_equal a4, zero, 1, done
	csrr	t0, sstatus
	andi	t0, t0, SR_VS
	check_equal t0, zero, 2, done
	li	a0, 0
done:	ret
