// SPDX-License-Identifier: Apache-2.0
/*
 * Kernel-mode vector code, as RAID parity computes it, in two halves so that something may happen in between:
 *
 * xor_load(a, b, c): take 8 * VLEN/8 bytes from each of a0, a1, a2 into registers.
 * xor_store(to): store a ^ b ^ c to a0.
 *
 * They use all 32 registers, vl and vtype. The caller has turned the vector unit on.
 */
	.text

	.globl	xor_load
	.balign	4
xor_load:
	vsetvli	t0, zero, e8, m8, ta, ma
	vle8.v	v0, (a0)
	vle8.v	v8, (a1)
	vle8.v	v16, (a2)
	vxor.vv	v24, v0, v8
	ret

	.globl	xor_store
	.balign	4
xor_store:
	vxor.vv	v24, v24, v16
	vse8.v	v24, (a0)
	ret
