// SPDX-License-Identifier: Apache-2.0
/*
 * A trap handler for start.S: counts traps in `trap_count`, and skips the instruction that caused one. It needs a stack
 * pointer, and mscratch for itself.
 */
	.text
	.globl	on_trap
	.balign	4
on_trap:
	csrw	mscratch, sp
	lla	sp, trap_stack_top
	sd	t0, -8(sp)
	sd	t1, -16(sp)
	lla	t0, trap_count
	ld	t1, 0(t0)
	addi	t1, t1, 1
	sd	t1, 0(t0)
	csrr	t0, mepc
	lhu	t1, 0(t0)
	andi	t1, t1, 3			# 3: 32 bits long
	addi	t1, t1, -3
	snez	t1, t1
	slli	t1, t1, 1
	sub	t0, t0, t1
	addi	t0, t0, 4
	csrw	mepc, t0
	ld	t1, -16(sp)
	ld	t0, -8(sp)
	csrr	sp, mscratch
	mret

	.bss
	.balign	16
	.globl	trap_count
trap_count:
	.dword	0
	.balign	16
	.skip	64
trap_stack_top:
