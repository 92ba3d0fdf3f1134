// SPDX-License-Identifier: Apache-2.0
/* The vector registers of a host process. The compiler's own code has none, so they keep their values around it. */
	.option	arch, +v
#include "../move_all.h"

	.text
	.globl	host_vlenb
host_vlenb:
	csrr	a0, vlenb
	ret

	.globl	host_vcsr
host_vcsr:
	csrr	a0, vcsr
	ret

	.globl	host_load
host_load:
	move_all vl8re8.v, a0
	csrw	vcsr, a1
	li	t0, 5
	vsetvli	zero, t0, e16, m1, ta, ma
	ret

	/* a0 = CSRs found, a1 = registers found */
	.globl	host_first
host_first:
	csrr	t0, vl
	sd	t0, 0(a0)
	csrr	t0, vtype
	sd	t0, 8(a0)
	csrr	t0, vcsr
	sd	t0, 16(a0)
	csrr	t0, vstart
	sd	t0, 24(a0)
	move_all vs8r.v, a1
	ret

	.globl	host_store
host_store:
	move_all vs8r.v, a0
	ret

	/* a0 = in, a1 = vcsr, a2 = out, a3 = CSRs found, a4 = number and arguments */
	.globl	host_load_call_store
host_load_call_store:
	mv	t4, a2
	mv	t5, a3
	mv	t6, a4
	move_all vl8re8.v, a0
	csrw	vcsr, a1
	li	t0, 5
	vsetvli	zero, t0, e16, m1, ta, ma
	ld	a7, 0(t6)
	ld	a0, 8(t6)
	ld	a1, 16(t6)
	ld	a2, 24(t6)
	ld	a3, 32(t6)
	ecall
	csrr	t1, vl
	sd	t1, 0(t5)
	csrr	t1, vtype
	sd	t1, 8(t5)
	csrr	t1, vcsr
	sd	t1, 16(t5)
	csrr	t1, vstart
	sd	t1, 24(t5)
	move_all vs8r.v, t4
	ret

	.macro	word name, instruction:vararg
	.globl	word_\name
	.balign	4
word_\name:
	.option	push
	.option	norvc
	\instruction
	.option	pop
	.endm

	.section .rodata
	word	nop, nop
	word	vadd, vadd.vv v8, v16, v24
	word	vid, vid.v v8
	word	vmv1r, vmv1r.v v8, v16
	word	csrw_vl, csrw vl, a1
	word	csrr_vstart, csrr t1, vstart
	word	csrwi_vcsr_6, csrwi vcsr, 6

	.section .note.GNU-stack, "", @progbits
