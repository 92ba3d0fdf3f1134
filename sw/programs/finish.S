// SPDX-License-Identifier: Apache-2.0
/*
 * The end of a fuzz program that is exported: an ecall with t5 = FINISH. Integer registers, vector CSRs, both status
 * registers and all vector registers are folded into `signature`, as in runner.S; the exit code is 0 if it is `expected`.
 */
#define FINISH		32
#define MSTATUS_VS	0x600

	.section .runtime, "ax"
	.globl	m_trap_exported
	.balign	8
m_trap_exported:
	csrr	t6, mcause
	addi	t6, t6, -8
	sltiu	t6, t6, 4
	beqz	t6, m_trap
	li	t6, FINISH
	bne	t5, t6, m_trap

	csrr	t5, mstatus
	lla	t6, integers
	.irp	n, 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29
	sd	x\n, (8 * \n)(t6)
	.endr
	li	t4, MSTATUS_VS
	csrs	mstatus, t4
	ld	t3, visible
	and	t5, t5, t3			# VS and SD
	csrr	t4, vsstatus
	and	t4, t4, t3
	csrr	t3, vl
	csrr	t2, vtype
	csrr	t1, vstart
	csrr	t0, vcsr
	csrw	vstart, zero
	.irp	n, 5,6,7,28,29,30
	sd	x\n, (8 * 30 + 8 * \n)(t6)
	.endr
	csrr	t1, vlenb
	slli	t1, t1, 3
	addi	t0, t6, 512
	.irp	group, 0, 8, 16, 24
	vs8r.v	v\group, (t0)
	add	t0, t0, t1
	.endr
	ld	a1, factor
	li	a0, 0
1:	ld	t1, 0(t6)
	add	a0, a0, t1
	mul	a0, a0, a1
	srli	a2, a0, 32
	xor	a0, a0, a2
	addi	t6, t6, 8
	bltu	t6, t0, 1b
	lla	t0, signature
	sd	a0, 0(t0)
	ld	t1, 8(t0)
	xor	a0, a0, t1
	snez	a0, a0
	slli	a0, a0, 1			# HTIF: code << 1 | 1
	ori	a0, a0, 1
	lla	t0, tohost
	sd	a0, 0(t0)
1:	j	1b

	.balign	8
visible:
	.dword	0x8000000000000600
factor:
	.dword	0x9e3779b97f4a7c15

	.section .mailbox, "aw"
	.balign	8
	.globl	tohost, fromhost, signature, expected
tohost:
	.dword	0
	.balign	64
fromhost:
	.dword	0
	.size	tohost, 8			# QEMU wants to know
	.size	fromhost, 8
	.balign	64
signature:
	.dword	0
	.weak	right
expected:
	.dword	right
	.balign	4096
integers:
	.skip	512
	.skip	32 * 512
