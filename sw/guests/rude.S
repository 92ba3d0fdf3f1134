// SPDX-License-Identifier: Apache-2.0
/*
 * Asks the vector unit for what no compiler asks: reserved bits of vtype, vsetvl x0, x0 with another ratio and under
 * vill, AVLs far beyond VLMAX, vl = VLMAX over an exit, vstart beyond the last element, a load past the end of memory.
 * Failure codes: 1 reserved bit, 2 ratio, 3 under vill, 4 AVL, 5 VLMAX, 6 vstart, 7 an element, 8 fault-only-first,
 * 9 vcsr and its parts.
 */
#include "guest.h"

#define MEMORY_END	0x20000
#define ALL		0xc3		/* e8, m8, ta, ma: VLMAX is VLEN */

	.rodata
	.balign	8
lengths:				/* by n: 2^n + 1, 2^n - 1 and the like, of 64 bits each */
	.dword	-1, 1 << 63, (1 << 63) + 1, (1 << 32) + 1, 1 << 32, (1 << 31) + 1, (1 << 16) + 1, 1 << 13

	.bss
	.balign	8
bytes:	.space	1024
copy:	.space	1024

	.text
	.globl	guest_main
guest_main:					# a0 = round, a1 = owner
	mv	s2, a0
	mv	s3, a1
	csrr	s4, vlenb
	slli	s5, s4, 3			# VLEN
	li	t0, 1
	slli	s6, t0, 63			# vill

	li	t0, 55				# one of bits 8 to 62, each in its round, and bit 63 in every one
	remu	t0, s2, t0
	addi	t0, t0, 8
	li	t1, 1
	sll	t1, t1, t0
	ori	t2, t1, 0x10			# with e32, m1, which is good
	li	t3, 4
	vsetvl	t0, t3, t2
	csrr	t1, vtype
	check_equal t0, zero, 1, done
	check_equal t1, s6, 1, done
	vsetivli zero, 4, e8, m1, ta, ma
	ori	t2, s6, 0x10
	vsetvl	t0, t3, t2
	csrr	t1, vtype
	check_equal t0, zero, 1, done
	check_equal t1, s6, 1, done

	vsetvli	t4, zero, e8, m1, ta, ma
	li	t2, 0x09			# e16, m2: the same ratio, vl stays
	vsetvl	zero, zero, t2
	csrr	t1, vl
	check_equal t1, t4, 2, done
	li	t2, 0x08			# e16, m1: another ratio (L-4)
	vsetvl	zero, zero, t2
	csrr	t1, vtype
	check_equal t1, s6, 2, done
	vsetvl	zero, zero, t2			# under vill (L-5)
	csrr	t1, vtype
	check_equal t1, s6, 3, done
	csrr	t1, vl
	check_equal t1, zero, 3, done

	andi	t0, s2, 7
	slli	t0, t0, 3
	lla	t1, lengths
	add	t1, t1, t0
	ld	t1, (t1)
	vsetvli	t2, t1, e16, m1, ta, ma
	srli	t0, s4, 1
	bltu	t1, t0, taken			# shorter than VLMAX at VLEN 4096
	check_equal t2, t0, 4, done
taken:	vsetivli t2, 31, e64, m1, ta, ma
	srli	t0, s4, 3
	li	t1, 31
	bltu	t0, t1, less
	mv	t0, t1
less:	check_equal t2, t0, 4, done

	li	t0, -1				# vcsr, vxrm and vxsat are one
	csrw	vcsr, t0
	csrr	t1, vxrm
	li	t2, 3
	check_equal t1, t2, 9, done
	li	t0, 1
	csrrc	t1, vxrm, t0
	csrrw	t1, vxsat, zero
	csrrsi	t2, vcsr, 0
	check_equal t1, t0, 9, done
	li	t1, 4
	check_equal t2, t1, 9, done
	csrrsi	t2, vxsat, 1
	csrrci	t2, vcsr, 4
	csrrwi	t1, vxrm, 1
	li	t2, 0
	check_equal t1, t2, 9, done
	csrr	t1, vcsr
	li	t2, 3
	check_equal t1, t2, 9, done

	vsetvli	t0, zero, e8, m8, ta, ma
	vmv.v.x	v8, s2
	vadd.vx	v8, v8, s3
	sbi	SBI_YIELD
	csrr	t0, vl
	check_equal t0, s5, 5, done
	li	t0, -1
	csrw	vstart, t0
	csrr	t0, vstart
	addi	t1, s5, -1
	check_equal t0, t1, 6, done
	lla	t2, bytes
	li	t3, 16
	vle8.v	v8, (t2)			# its last element
	csrr	t0, vstart
	check_equal t0, zero, 6, done
	vsetvli	t0, t3, e8, m1, ta, ma
	li	t0, 100
	csrw	vstart, t0
	vle8.v	v8, (t2)			# no element
	csrr	t0, vstart
	check_equal t0, zero, 6, done
	csrw	vstart, t0
	lla	t3, copy
	vse8.v	v8, (t3)
	add	t0, s2, s3
	andi	t0, t0, 255
	lbu	t1, 15(t3)
	check_equal t0, t1, 7, done
	addi	t1, s4, 0
	csrw	vstart, t1
	vl1re8.v v8, (t2)			# no element of a whole register
	csrr	t0, vstart
	check_equal t0, zero, 6, done

	li	t2, MEMORY_END - 24		# in the last page of guest memory
	lb	t0, (t2)
	vsetivli zero, 31, e8, m2, ta, ma
	vle8ff.v v16, (t2)
	csrr	t0, vl
	addi	t0, t0, -1			# 1 to 24: 24, or fewer if the page has been taken away meanwhile
	li	t1, 24
	li	a0, 8
	bgeu	t0, t1, done
	vsetivli zero, 16, e8, m1, ta, mu
	vid.v	v4
	vand.vi	v5, v4, 1
	vmsne.vi v0, v5, 0
	vmnot.m	v1, v0
	vmor.mm	v1, v1, v0
	vmv.x.s	t0, v1
	li	t1, -1
	check_equal t0, t1, 7, done
	li	a0, 0
done:	ret
