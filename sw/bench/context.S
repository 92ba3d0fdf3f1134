// SPDX-License-Identifier: Apache-2.0
/*
 * For `make bench`: restores a whole vector context, works with it, and saves it, ITERATIONS times, with almost no scalar
 * code in between. Every iteration sets all state that it depends on, so all of them do the same. main returns 0.
 */
#define E8M1	0xc0
#define AREA	(32 * 512)			/* a context at the largest VLEN */

	.text
	.globl	main
main:
	li	t6, ITERATIONS			# no instruction of the loop names x31, not even in an unused field
	csrr	t0, vlenb
	slli	t0, t0, 3			# eight registers
	lla	s1, before
	add	s2, s1, t0
	add	s3, s2, t0
	add	s4, s3, t0
	lla	s5, after
	add	s6, s5, t0
	add	s7, s6, t0
	add	s8, s7, t0
	li	s9, 11				# vl, vtype and vcsr of the context
	li	s10, E8M1
	li	s11, 5
	lla	a0, numbers
	addi	a1, a0, 64
	lla	a2, results
	addi	a3, a2, 1027			# not aligned to any bus

1:	/* restore, as hypervisors do */
	vsetvli	t0, x0, e8, m8, ta, ma
	vle8.v	v0, (s1)
	vle8.v	v8, (s2)
	vle8.v	v16, (s3)
	vle8.v	v24, (s4)
	vsetvl	x0, s9, s10
	csrw	vstart, x0
	csrw	vcsr, s11

	/* work */
	vadd.vv	v3, v4, v5
	vse8.v	v3, (a3)
	vsetvli	t0, x0, e32, m2, ta, ma
	sd	s9, 0(a0)
	vle32.v	v2, (a0)
	vle32.v	v4, (a1)
	vadd.vv	v6, v2, v4
	vxor.vv	v8, v6, v2
	vsub.vx	v10, v8, s9
	vand.vi	v12, v10, 15
	vmseq.vi v1, v12, 3
	vmsltu.vx v0, v12, s9
	vmor.mm	v0, v0, v1
	vadd.vv	v14, v6, v8, v0.t
	vse32.v	v14, (a2), v0.t
	vs1r.v	v6, (a3)
	vl1re8.v v7, (a3)
	csrr	t0, vlenb
	vsetivli t0, 3, e16, mf2, ta, ma
	vmv.v.i	v9, 5
	vmv.x.s	t0, v9
	vmv.s.x	v10, s9

	/* save */
	csrr	t0, vstart
	csrr	t1, vtype
	csrr	t2, vl
	csrr	t3, vcsr
	vsetvli	t0, x0, e8, m8, ta, ma
	vse8.v	v0, (s5)
	vse8.v	v8, (s6)
	vse8.v	v16, (s7)
	vse8.v	v24, (s8)

	addi	t6, t6, -1
	bnez	t6, 1b

	li	a0, 0
	ret

	.data
	.balign	4096
before:
	.set	value, 1
	.rept	AREA / 8
	.set	value, value * 2862933555777941757 + 3037000493
	.dword	value
	.endr
numbers:
	.rept	64
	.set	value, value * 2862933555777941757 + 3037000493
	.dword	value
	.endr

	.bss
	.balign	4096
after:	.skip	AREA
results: .skip	4096
