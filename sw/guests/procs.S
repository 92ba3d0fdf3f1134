// SPDX-License-Identifier: Apache-2.0
/*
 * A guest kernel with two processes and a lazy context switch of its own, as Linux has it: VS is Off until a process
 * uses vectors, which traps; then Initial; Clean after each switch to it; a switch away saves what is Dirty. System calls
 * alternate between a plain switch and one in which the kernel uses vectors itself. Each process fills registers, is
 * switched away from, takes page faults in the middle of loads and stores, and finds everything as it left it.
 * Failure codes: 1-5 of a process: a register, vl, vtype, vcsr, an element; 7 the kernel's own vectors.
 */
#include "guest.h"
#include "paging.h"
#include "pattern.h"

#define PROCESSES	2
#define CALLS		3		/* system calls of each process before the last */

#define P_PC		0		/* of a process */
#define P_USED		8
#define P_VL		16
#define P_VTYPE		24
#define P_VCSR		32
#define P_VSTART	40
#define P_A0		48		/* a0 to a5, t0 to t4 */
#define P_DONE		136
#define P_SIZE		144

	paging_memory
processes: .space PROCESSES * P_SIZE
scratch: .space	64

	/* x, or its place, of each register that a process has. */
	.macro	process_registers op
	\op	a0, P_A0 + 0(s2)
	\op	a1, P_A0 + 8(s2)
	\op	a2, P_A0 + 16(s2)
	\op	a3, P_A0 + 24(s2)
	\op	a4, P_A0 + 32(s2)
	\op	a5, P_A0 + 40(s2)
	\op	t0, P_A0 + 48(s2)
	\op	t1, P_A0 + 56(s2)
	\op	t2, P_A0 + 64(s2)
	\op	t3, P_A0 + 72(s2)
	\op	t4, P_A0 + 80(s2)
	.endm

	.macro	set_own_vs state
	li	t6, SR_VS
	csrc	sstatus, t6
	li	t6, \state
	csrs	sstatus, t6
	.endm

	.text
	.globl	guest_main
guest_main:					# a0 = round, a1 = owner
	lla	t0, stack_top
	sd	ra, -8(t0)
	mv	s7, a0
	add	s8, a0, a1			# what a process's words are made of
	paging_on
	li	s9, 0				# system calls so far
	li	s3, 0				# processes that have ended
	lla	s2, processes
	li	s4, 0				# which process runs
	mv	t0, s2
	li	t1, PROCESSES
init:	lla	t2, process
	li	t3, USER_BASE
	add	t2, t2, t3
	sd	t2, P_PC(t0)
	sd	zero, P_USED(t0)
	sd	zero, P_DONE(t0)
	slli	t3, t1, 32
	add	t3, t3, s8
	sd	t3, P_A0(t0)			# its a0: a word of its own
	sd	s7, P_A0 + 8(t0)		# its a1: the round
	addi	t0, t0, P_SIZE
	addi	t1, t1, -1
	bnez	t1, init
	set_own_vs 0

	/* Return to process s2, whose registers are in memory and whose VS is set. */
resume:	ld	t0, P_PC(s2)
	csrw	sepc, t0
	li	t0, SR_SPP
	csrc	sstatus, t0
	process_registers ld
	sret

	.globl	trap_entry
	.balign	4
trap_entry:
	csrr	t5, scause
	li	t6, CAUSE_ECALL_U
	beq	t5, t6, system_call
	li	t6, CAUSE_ILLEGAL
	beq	t5, t6, first_use
	li	t6, CAUSE_LOAD_PAGE
	beq	t5, t6, missing
	li	t6, CAUSE_STORE_PAGE
	beq	t5, t6, missing
unexpected:
	addi	a0, t5, FAIL_TRAP
	csrr	a1, sepc
	sbi	SBI_REPORT
	j	unexpected
missing:
	process_registers sd
	csrr	t0, stval
	window_fill t0, t5, t6
	process_registers ld
	sret
first_use:
	csrr	t6, sstatus
	andi	t6, t6, SR_VS
	bnez	t6, unexpected			# VS was on
	process_registers sd
	csrr	t0, sepc
	sd	t0, P_PC(s2)
	li	t0, 1
	sd	t0, P_USED(s2)
	set_own_vs SR_VS
	vsetvli	t0, zero, e8, m8, ta, ma
	vmv.v.i	v0, 0
	vmv.v.i	v8, 0
	vmv.v.i	v16, 0
	vmv.v.i	v24, 0
	csrwi	vcsr, 0
	set_own_vs SR_VS_INITIAL
	j	resume

system_call:
	process_registers sd
	csrr	t0, sepc
	addi	t0, t0, 4
	sd	t0, P_PC(s2)
	add	s3, s3, a5			# a5 = 1: it ends, with its result in a0
	bnez	a0, leave
	addi	s9, s9, 1
	beqz	a5, goes_on
	li	t0, 1
	sd	t0, P_DONE(s2)
goes_on:
	andi	t0, s9, 1
	beqz	t0, switch
	call	kernel_vectors
	bnez	a0, failed
switch:
	call	save_if_dirty
	li	t0, PROCESSES
	li	a0, 0
	beq	s3, t0, leave
	window_empty				# somebody else's memory now, or aged
	call	other
	ld	t0, P_DONE(s2)
	beqz	t0, runs
	call	other
runs:	set_own_vs 0
	ld	t0, P_USED(s2)
	beqz	t0, resume
	call	restore
	j	resume

other:	lla	s2, processes
	xori	s4, s4, 1
	beqz	s4, 1f
	addi	s2, s2, P_SIZE
1:	ret

failed:	li	a0, 7
leave:	csrw	satp, zero
	sfence.vma
	lla	t0, stack_top
	ld	ra, -8(t0)
	ret

	/* a1 = where the registers of the process lie. Clobbers t0. */
	.macro	registers_at
	csrr	a1, vlenb
	slli	a1, a1, 5
	mul	a1, a1, s4
	lla	t0, heap
	add	a1, a1, t0
	.endm

save_if_dirty:
	csrr	t0, sstatus
	li	t1, SR_VS
	and	t0, t0, t1
	bne	t0, t1, 1f
	csrr	t0, vstart
	sd	t0, P_VSTART(s2)
	csrr	t0, vtype
	sd	t0, P_VTYPE(s2)
	csrr	t0, vl
	sd	t0, P_VL(s2)
	csrr	t0, vcsr
	sd	t0, P_VCSR(s2)
	registers_at
	vsetvli	t1, zero, e8, m8, ta, ma
	vse8.v	v0, (a1)
	add	a1, a1, t1
	vse8.v	v8, (a1)
	add	a1, a1, t1
	vse8.v	v16, (a1)
	add	a1, a1, t1
	vse8.v	v24, (a1)
	set_own_vs SR_VS_CLEAN
1:	ret

restore:
	set_own_vs SR_VS
	registers_at
	vsetvli	t1, zero, e8, m8, ta, ma
	vle8.v	v0, (a1)
	add	a1, a1, t1
	vle8.v	v8, (a1)
	add	a1, a1, t1
	vle8.v	v16, (a1)
	add	a1, a1, t1
	vle8.v	v24, (a1)
	ld	t0, P_VL(s2)
	ld	t1, P_VTYPE(s2)
	vsetvl	zero, t0, t1
	ld	t0, P_VSTART(s2)
	csrw	vstart, t0
	ld	t0, P_VCSR(s2)
	csrw	vcsr, t0
	set_own_vs SR_VS_CLEAN
	ret

	/* The kernel's own use of vectors, in a system call: the process's registers are saved before. Result in a0. */
kernel_vectors:
	mv	s10, ra
	call	save_if_dirty
	set_own_vs SR_VS
	vsetivli zero, 8, e64, m4, ta, ma
	vmv.v.x	v8, s8
	vid.v	v12
	vadd.vv	v8, v8, v12
	lla	t2, scratch
	vse64.v	v8, (t2)
	vxor.vv	v8, v8, v8
	vle64.v	v16, (t2)
	vmv.x.s	t3, v16
	set_own_vs SR_VS_CLEAN			# what is there is nobody's
	xor	a0, t3, s8
	ld	t3, 56(t2)
	addi	t4, s8, 7
	xor	t3, t3, t4
	or	a0, a0, t3
	mv	ra, s10
	ret

	/* The program of both processes: a0 = its word, a1 = the round. */
	.balign	4
process:
	mv	a4, a0
	li	a3, 0				# calls so far
again:
	andi	a2, a1, 7
	csrw	vcsr, a2			# the first instruction on VS Off, Initial or Clean is a bare write of a CSR
	add	t0, a4, a3
	vsetivli t4, 7, e64, m4, ta, ma		# 7 at every VLEN
	vmv.v.x	v8, t0
	vid.v	v12
	vadd.vv	v8, v8, v12
	vadd.vi	v24, v8, 3
	li	a5, 0
	li	a0, 0
	ecall
	li	a0, 2
	csrr	t0, vl
	bne	t0, t4, ended
	li	a0, 3
	csrr	t0, vtype
	li	t1, 0xda			# e64, m4, ta, ma
	bne	t0, t1, ended
	li	a0, 4
	csrr	t0, vcsr
	bne	t0, a2, ended
	li	a0, 1
	add	t0, a4, a3
	vmv.x.s	t1, v8
	bne	t0, t1, ended
	li	t2, WINDOW + PAGE - 24		# three elements in a page, four in the next
	vse64.v	v24, (t2)
	vle64.v	v16, (t2)
	vsub.vv	v16, v16, v12
	vadd.vi	v20, v16, -3
	vmsne.vx v0, v20, t0
	vcpop.m	t1, v0
	li	a0, 5
	bnez	t1, ended
	addi	a3, a3, 1
	li	t1, CALLS
	bne	a3, t1, again
	li	a0, 0
ended:	li	a5, 1
	ecall
	j	ended
