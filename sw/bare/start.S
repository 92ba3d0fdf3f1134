/*
 * Start and end of a bare-metal program: calls `int main(void)` in M-mode with vectors on, and ends with what it returns.
 * A trap is counted in `trap_count`, and the instruction that caused it is skipped.
 */
#define MSTATUS_VS	0x600

	.section .text.start, "ax"

	.globl	_start
	.balign	4
_start:
	lla	sp, stack_top
	lla	t0, trap_stack_top
	csrw	mscratch, t0
	lla	t0, trap
	csrw	mtvec, t0
	li	t0, MSTATUS_VS
	csrs	mstatus, t0
	call	main

	/* exit(a0 & 255) */
	.globl	exit
exit:
	andi	a0, a0, 255
	slli	a0, a0, 1			# HTIF: code << 1 | 1
	ori	a0, a0, 1
	lla	t0, tohost
	sd	a0, 0(t0)
1:	j	1b

	.balign	4
trap:
	csrrw	sp, mscratch, sp
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
	csrrw	sp, mscratch, sp
	mret

	.section .tohost, "aw"
	.balign	8
	.globl	tohost, fromhost
tohost:
	.dword	0
fromhost:
	.dword	0

	.bss
	.balign	16
	.globl	trap_count
trap_count:
	.dword	0
	.balign	16
	.skip	64
trap_stack_top:
