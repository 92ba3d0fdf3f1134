// SPDX-License-Identifier: Apache-2.0
/*
 * Fills all 32 registers with words that name the owner and the round, sets an odd vl and vtype and a vcsr, exits to
 * the hypervisor, and then finds every bit as it left it. Failure codes: 1-4 vl, vtype, vcsr, vstart; 5 a register.
 */
#include "guest.h"
#include "pattern.h"

	.section .rodata
	.balign	8
	/* e8,m1 tu,mu; e16,mf2 ta; e32,m2 ta,ma; e64,m1 ma; e8,mf8 ta,ma; e16,m8; e64,m4 ta,ma; e8,m8 */
vtypes:	.byte	0x00, 0x4f, 0xd1, 0x98, 0xc5, 0x0b, 0xda, 0x03

	.text
	.globl	guest_main
guest_main:					# a0 = round, a1 = owner
	mv	t6, a0
	csrr	a2, vlenb
	slli	t5, a2, 5
	lla	a5, heap			# image: what the registers must hold
	add	t5, t5, a5			# seen: what they hold
	slli	a2, a2, 2			# words of 32 registers
	pattern_first a3, a1, t6, t0
	li	a4, PATTERN_STEP
	mv	a6, a2
fill:	sd	a3, (a5)
	add	a3, a3, a4
	addi	a5, a5, 8
	addi	a6, a6, -1
	bnez	a6, fill

	lla	a5, heap
	vsetvli	t0, zero, e8, m8, ta, ma
	vle8.v	v0, (a5)
	add	a5, a5, t0
	vle8.v	v8, (a5)
	add	a5, a5, t0
	vle8.v	v16, (a5)
	add	a5, a5, t0
	vle8.v	v24, (a5)

	andi	t0, t6, 7
	csrw	vcsr, t0
	lla	t1, vtypes
	add	t1, t1, t0
	lbu	t1, (t1)
	slli	t0, t6, 1
	addi	t0, t0, 1
	andi	t0, t0, 63			# an odd AVL, so vl is odd or VLMAX
	vsetvl	a3, t0, t1
	csrr	a4, vtype

	sbi	SBI_YIELD
	andi	t0, t6, 3
	bnez	t0, in_kernel
	sbi	SBI_PUTCHAR			# every fourth round an exit to user space as well
in_kernel:
	csrr	t0, vl
	check_equal t0, a3, 1, done
	csrr	t0, vtype
	check_equal t0, a4, 2, done
	csrr	t0, vcsr
	andi	t1, t6, 7
	check_equal t0, t1, 3, done
	csrr	t0, vstart
	check_equal t0, zero, 4, done

	mv	a5, t5				# whole-register stores: they need no vsetvli
	csrr	t0, vlenb
	slli	t0, t0, 3
	vs8r.v	v0, (a5)
	add	a5, a5, t0
	vs8r.v	v8, (a5)
	add	a5, a5, t0
	vs8r.v	v16, (a5)
	add	a5, a5, t0
	vs8r.v	v24, (a5)

	lla	a4, heap
	mv	a5, t5
compare:
	ld	t0, (a4)
	ld	t1, (a5)
	check_equal t0, t1, 5, done
	addi	a4, a4, 8
	addi	a5, a5, 8
	addi	a2, a2, -1
	bnez	a2, compare
	li	a0, 0
done:	ret
