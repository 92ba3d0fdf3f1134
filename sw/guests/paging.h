// SPDX-License-Identifier: Apache-2.0
/*
 * Sv39 for a guest of its own kernel and processes. The kernel sees its memory where it is; a process sees the same at
 * USER_BASE +, and two more pages of it from WINDOW on, which are not there before somebody asks for them.
 */
#ifndef VCTX_GUEST_PAGING_H
#define VCTX_GUEST_PAGING_H

#define USER_BASE	0x40000000
#define WINDOW		0x80000000
#define WINDOW_PAGES	2
#define PAGE		4096

#define CAUSE_ILLEGAL	2
#define CAUSE_BREAK	3
#define CAUSE_ECALL_U	8
#define CAUSE_LOAD_PAGE	13
#define CAUSE_STORE_PAGE 15

#define SR_SPP		0x100
#define SATP_SV39	8
#define PTE_TABLE	0x01	/* V */
#define PTE_KERNEL	0xcf	/* V R W X A D */
#define PTE_USER	0xdf	/* and U */
#define SR_SUM		0x40000	/* the kernel handles what processes have in the window */

	/* The tables, and the pages behind the window. */
	.macro	paging_memory
	.bss
	.balign	PAGE
table_root: .space PAGE
table_mid: .space PAGE
table_low: .space PAGE
	.globl	pages
pages:	.space	WINDOW_PAGES * PAGE
	.endm

	/* \entry points to an entry; it becomes that of the page or table at \target. Clobbers \tmp. */
	.macro	set_pte entry, target, flags, tmp
	srli	\tmp, \target, 2
	ori	\tmp, \tmp, \flags
	sd	\tmp, (\entry)
	.endm

	/* Turn translation on; the window is empty. Clobbers t0 to t3. */
	.macro	paging_on
	lla	t0, table_root
	li	t1, 0
	set_pte	t0, t1, PTE_KERNEL, t2		# the first gigabyte, for the kernel
	addi	t3, t0, 8
	set_pte	t3, t1, PTE_USER, t2		# again at USER_BASE, for processes
	addi	t3, t0, 16
	lla	t1, table_mid
	set_pte	t3, t1, PTE_TABLE, t2
	lla	t3, table_low
	set_pte	t1, t3, PTE_TABLE, t2
	srli	t0, t0, 12
	li	t1, SATP_SV39
	slli	t1, t1, 60
	or	t0, t0, t1
	csrw	satp, t0
	window_empty
	li	t0, SR_SUM
	csrs	sstatus, t0
	.endm

	/* Take the window's pages away. Clobbers t0. */
	.macro	window_empty
	lla	t0, table_low
	sd	zero, 0(t0)
	sd	zero, 8(t0)
	sfence.vma
	.endm

	/* Give the window the page in which \address lies. Clobbers \address, \t0, \t1. */
	.macro	window_fill address, t0, t1
	srli	\address, \address, 12
	andi	\address, \address, 1
	lla	\t0, pages
	slli	\t1, \address, 12
	add	\t0, \t0, \t1
	slli	\address, \address, 3
	lla	\t1, table_low
	add	\address, \address, \t1
	set_pte	\address, \t0, PTE_USER, \t1
	sfence.vma
	.endm

#endif
