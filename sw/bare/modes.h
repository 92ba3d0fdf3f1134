// SPDX-License-Identifier: Apache-2.0
/* What modes.S is written in: numbers of the privileged architecture, and macros for checks, traps and page tables. */
#ifndef VCTX_BARE_MODES_H
#define VCTX_BARE_MODES_H

/* Services of the machine's trap handler, in a7: go on in a mode, or take the page at `missing` away. */
#define M		0
#define HS		1
#define U		2
#define VS		3
#define VU		4
#define TAKE_PAGE	5

#define ILLEGAL		2
#define BREAKPOINT	3
#define LOAD_MISALIGNED	4
#define LOAD_ACCESS	5
#define STORE_ACCESS	7
#define LOAD_PAGE	13
#define STORE_PAGE	15
#define LOAD_GUEST_PAGE	21
#define VIRTUAL		22
#define STORE_GUEST_PAGE 23
#define SOFTWARE_INT	0x8000000000000001
#define PAGE_FAULTS	(1 << LOAD_PAGE | 1 << STORE_PAGE)
#define GUEST_FAULTS	(1 << LOAD_GUEST_PAGE | 1 << STORE_GUEST_PAGE)

#define SR_VS		0x600
#define SR_VS_INITIAL	0x200
#define SR_MIE		(1 << 3)
#define SR_SPP		(1 << 8)
#define SR_MPP_S	(1 << 11)
#define SR_MPP		(3 << 11)
#define SR_MPV		(1 << 39)
#define HS_SPV		(1 << 7)
#define SSIP		(1 << 1)

#define SV39		(8 << 60)
#define PTE_VALID	0x01
#define PTE_LEAF	0xcf		/* V R W X A D */
#define PTE_GUEST_LEAF	0xdf		/* and U, which the second stage asks for */

	/* Fails unless \reg holds \value. s11 counts the checks. Clobbers t6. */
	.macro	expect reg, value
	addi	s11, s11, 1
	li	t6, \value
	bne	\reg, t6, fail
	.endm

	.macro	expect_csr csr, value
	csrr	t4, \csr
	expect	t4, \value
	.endm

	/* Fails unless there was a trap since the last check of this kind, and it was \cause, taken in \mode. */
	.macro	expect_trap cause, mode
	lla	t5, seen
	ld	t4, 0(t5)
	expect	t4, \cause
	ld	t4, 16(t5)
	expect	t4, \mode
	li	t4, -1
	sd	t4, 0(t5)
	.endm

	.macro	expect_no_trap
	lla	t5, seen
	ld	t4, 0(t5)
	expect	t4, -1
	.endm

	/* Clobbers a7. */
	.macro	service number
	li	a7, \number
	ecall
	.endm

	/* t0 = PTE of the page at \target. Clobbers nothing else. */
	.macro	make_pte target, flags
	lla	t0, \target
	srli	t0, t0, 2
	ori	t0, t0, \flags
	.endm

	/* Puts a root table, with Sv39, into satp, vsatp or hgatp. */
	.macro	set_atp csr, table
	lla	t0, \table
	srli	t0, t0, 12
	li	t1, SV39
	or	t0, t0, t1
	csrw	\csr, t0
	.endm

	/*
	 * Fills the three tables of one stage: an identity map of RAM, and a window of two pages, of which the second
	 * is the missing one.
	 */
	.macro	make_tables root, middle, leaves, flags
	lla	t1, \root
	li	t0, 0x80000000 >> 2 | \flags
	sd	t0, 8 * (0x80000000 >> 30)(t1)
	make_pte \middle, PTE_VALID
	sd	t0, 8 * (WINDOW >> 30)(t1)
	make_pte \leaves, PTE_VALID
	lla	t1, \middle
	sd	t0, 0(t1)
	lla	t1, \leaves
	make_pte pages, \flags
	sd	t0, 0(t1)
	make_pte pages + PAGE, \flags
	sd	t0, 8(t1)
	.endm

	/*
	 * A trap handler. It notes cause, tval and its own mode in `seen`. For a page fault, if `missing` points to an
	 * entry, it makes that valid and repeats the instruction; an interrupt it acknowledges; all other causes it
	 * leaves by skipping the instruction. In M-mode it serves ecall.
	 */
	.macro	trap_handler name, mode, level
	.balign	4
\name:
	csrrw	sp, \level\()scratch, sp
	sd	t0, -8(sp)
	sd	t1, -16(sp)
	lla	t0, seen
	csrr	t1, \level\()tval
	sd	t1, 8(t0)
	li	t1, \mode
	sd	t1, 16(t0)
	csrr	t1, \level\()cause
	.if	\mode == M
	addi	t0, t1, -8
	sltiu	t0, t0, 4
	bnez	t0, serve
	.endif
	lla	t0, seen
	sd	t1, 0(t0)
	bltz	t1, interrupt_\name
	li	t0, PAGE_FAULTS | GUEST_FAULTS
	srl	t0, t0, t1
	andi	t0, t0, 1
	beqz	t0, skip_\name
	lla	t0, missing
	ld	t0, 0(t0)
	beqz	t0, skip_\name
	ld	t1, 0(t0)
	ori	t1, t1, PTE_VALID
	sd	t1, 0(t0)
	sfence.vma
	.if	\mode != VS
	hfence.gvma
	.endif
	j	return_\name
interrupt_\name:
	csrci	\level\()ip, SSIP
	j	return_\name
skip_\name:
	csrr	t0, \level\()epc
	lhu	t1, 0(t0)
	andi	t1, t1, 3			# 3: 32 bits long
	addi	t1, t1, -3
	snez	t1, t1
	slli	t1, t1, 1
	sub	t0, t0, t1
	addi	t0, t0, 4
	csrw	\level\()epc, t0
return_\name:
	ld	t1, -16(sp)
	ld	t0, -8(sp)
	csrrw	sp, \level\()scratch, sp
	\level\()ret
	.endm

#endif
