// SPDX-License-Identifier: Apache-2.0
/*
 * Tries instructions of all kinds in every state of this guest's own VS, in VS- and in VU-mode: one state and mode a
 * round. Before every other trial it exits to user space, so that the hypervisor's VS is Clean there and not Dirty.
 * A load or store of the window takes page faults, from which it resumes in the middle. With GUEST_LACKS_V the
 * hypervisor's VS is Off all the time, and everything must trap. Failure codes, + 16 for each kind of instruction:
 * 1 trapped or not, against what is due; 2 sstatus.VS afterwards.
 */
#include "guest.h"
#include "paging.h"

#define DIRTIES	0	/* what a kind does where VS is on: it makes VS Dirty, */
#define READS	1	/* leaves VS as it is, or makes it Dirty, */
#define ILLEGAL	2	/* traps and changes nothing, */
#define STATUS	3	/* or it is none of the vector unit's, but not for VU-mode either */

	/* A kind: \what it does, vl and vstart before, and one instruction or more up to the next kind. */
	.macro	kind what, avl=4, vstart=0
	ebreak
	.section .rodata.kinds, "a"
	.byte	\what, \avl, \vstart, 0
	.word	(1f - kinds)
	.text
1:
	.endm

	paging_memory
near:	.space	64
which:	.space	8			# what is next: resets do not begin it anew

	.section .rodata.kinds, "a"
	.balign	8
table:

	/* Their registers: a2 is near, a3 the last three words before the end of the window's first page; a5 is -1. */
	.text
	.balign	4
kinds:
	kind	DIRTIES
	vsetivli zero, 3, e16, m1, ta, ma
	kind	DIRTIES
	csrwi	vstart, 0
	kind	DIRTIES
	csrwi	vxsat, 1
	kind	DIRTIES
	csrwi	vxrm, 2
	kind	DIRTIES
	csrwi	vcsr, 5
	kind	DIRTIES
	csrw	vstart, a5
	kind	DIRTIES
	csrrc	t0, vxrm, a4
	kind	DIRTIES
	csrrs	t0, vxsat, a5
	kind	DIRTIES
	csrrw	t0, vcsr, a5
	kind	READS
	csrr	t0, vl
	kind	READS
	csrr	t0, vlenb
	kind	READS, 4, 2
	csrr	t0, vstart
	kind	READS
	csrr	t0, vcsr
	kind	DIRTIES
	vadd.vi	v8, v8, 1
	kind	DIRTIES
	vmv.x.s	t0, v8
	kind	DIRTIES
	vle32.v	v8, (a2)
	kind	DIRTIES
	vse32.v	v8, (a2)
	kind	DIRTIES, 0
	vle32.v	v8, (a2)
	kind	DIRTIES, 0
	vse32.v	v8, (a2)
	kind	DIRTIES, 4, 1
	vse32.v	v8, (a2)
	kind	DIRTIES, 4, 9
	vle32.v	v8, (a2)			# begins behind the last element
	kind	DIRTIES
	vle32.v	v8, (a3)			# two page faults: element 0, element 3
	kind	DIRTIES
	vse32.v	v8, (a3)
	kind	DIRTIES
	vs1r.v	v8, (a2)
	kind	ILLEGAL
	csrw	vl, a5
	kind	ILLEGAL
	csrr	t0, mstatus
	kind	ILLEGAL
	csrr	t0, vsstatus			# a virtual instruction, which is an illegal one to a guest
	kind	ILLEGAL, 4, 1
	vle32.v	v9, (a2)			# no group of two
	kind	ILLEGAL
	vse32.v	v9, (a2)
	kind	ILLEGAL
	vadd.vi	v9, v8, 1			# no group of two
	kind	ILLEGAL, 4, 1
	vadd.vi	v8, v8, 1			# vstart is not 0
	kind	ILLEGAL, 4, 1
	vmv1r.v	v8, v10
	kind	STATUS
	csrr	t0, sstatus
	ebreak

	.section .rodata.kinds, "a"
	.balign	4
table_end:

	.text
	.globl	guest_main
guest_main:					# a0 = round, a1 = owner
	mv	s11, ra
	lla	t0, which
	ld	s8, (t0)
	addi	t1, s8, 1
	sd	t1, (t0)
	andi	s4, s8, 1			# 1: in VU-mode
	srli	s8, s8, 1
	andi	s3, s8, 3
	slli	s3, s3, 9			# the state of VS to try
	srli	t0, s8, 2
	add	s8, s8, t0			# its lowest bit: an exit is before trials 0, 2, 4, ..., or before the others
	paging_on
	lla	s7, table
trial:
	lbu	s9, 0(s7)			# what it does
	window_empty
#ifndef GUEST_LACKS_V
	li	t0, SR_VS
	csrs	sstatus, t0
	lbu	t1, 1(s7)
	vsetvli	zero, t1, e32, m2, ta, ma
	csrwi	vcsr, 7
	lbu	t1, 2(s7)
	csrw	vstart, t1
	addi	s8, s8, 1
	andi	t0, s8, 1
	beqz	t0, asked
	sbi	SBI_PUTCHAR
asked:
#endif
	li	t0, SR_VS
	csrc	sstatus, t0
	csrs	sstatus, s3

	li	s5, 0				# no trap so far
	lla	a2, near
	li	a3, WINDOW + PAGE - 12
	li	a4, 1
	li	a5, -1
	lla	t0, kinds
	lwu	t1, 4(s7)
	add	t0, t0, t1
	beqz	s4, begin
	li	t1, USER_BASE
	add	t0, t0, t1
	add	a2, a2, t1
	li	t1, SR_SPP
	csrc	sstatus, t1
	csrw	sepc, t0
	sret
begin:	jr	t0

	.globl	trap_entry
	.balign	4
trap_entry:
	csrr	t5, scause
	li	t6, CAUSE_BREAK
	beq	t5, t6, judge
	li	t6, CAUSE_ILLEGAL
	beq	t5, t6, refused
	li	t6, CAUSE_LOAD_PAGE
	beq	t5, t6, missing
	li	t6, CAUSE_STORE_PAGE
	beq	t5, t6, missing
	addi	a0, t5, FAIL_TRAP
	csrr	a1, sepc
	sbi	SBI_REPORT
	j	trap_entry
missing:
	csrr	t4, stval
	window_fill t4, t5, t6
	sret
refused:
	li	s5, 1

judge:	csrr	s6, sstatus
	li	t0, SR_VS
	and	s6, s6, t0
	li	t1, STATUS
	beq	s9, t1, status
#ifdef GUEST_LACKS_V
	j	off
#endif
	beqz	s3, off
	li	t1, ILLEGAL
	beq	s9, t1, off			# the same is due: a trap, and VS as it was
	li	a0, 1
	bnez	s5, failed
	beq	s6, t0, next			# Dirty
	li	a0, 2
	li	t1, READS
	bne	s9, t1, failed
	bne	s6, s3, failed
	j	next
off:	li	a0, 1
	beqz	s5, failed
same:	li	a0, 2
	bne	s6, s3, failed
	j	next
status:	li	a0, 1
	bne	s5, s4, failed
	j	same
next:
#ifdef GUEST_LACKS_V
	li	a0, 0
	lla	t0, which
	ld	t0, (t0)
	li	t1, 8
	bltu	t1, t0, done			# every state and mode had its turn, and each trap is an exit: let others go on
#endif
	li	t0, 0x6000			# FS Dirty and SD with it, and Off again
	csrs	sstatus, t0
	csrr	t1, sstatus
	csrc	sstatus, t0
	csrr	t2, sstatus
	addi	s7, s7, 8
	lla	t0, table_end
	bne	s7, t0, trial
	li	a0, 0
	j	done
failed:	lla	t0, table
	sub	t0, s7, t0
	slli	t0, t0, 1
	add	a0, a0, t0			# which kind
done:	csrw	satp, zero
	sfence.vma
	mv	ra, s11
	ret
