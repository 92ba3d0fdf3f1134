// SPDX-License-Identifier: Apache-2.0
/*
 * user_enter(task): run a host task (a0) in U-mode until it traps to HS-mode.
 *
 * Its pt_regs.status, VS included, becomes sstatus; on the way back VS is cleared, so that a kernel that touches vectors
 * without asking traps, and the task's status, with what VS became, goes to pt_regs.
 */
#include "context.h"

	.macro	for_kernel_gprs op
	.set	slot, 0
	.irp	n, 1, 2, 3, 4, 8, 9, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27
	\op	x\n, TASK_KERNEL_GPRS + slot(a0)
	.set	slot, slot + 8
	.endr
	.endm

	.macro	for_user_gprs_but_a0 op
	.irp	n, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	\op	x\n, 8 * \n(a0)
	.endr
	.endm

	.text

	.globl	user_enter
	.balign	4
user_enter:
	for_kernel_gprs sd
	ld	t0, TASK_STATUS(a0)
	ld	t1, TASK_EPC(a0)
	lla	t2, user_return
	csrw	sstatus, t0
	csrw	sepc, t1
	csrrw	t2, stvec, t2
	csrw	sscratch, a0			# user_return finds the task here
	sd	t2, TASK_KERNEL_STVEC(a0)
	for_user_gprs_but_a0 ld
	ld	a0, 8 * 10(a0)
	.globl	user_sret
user_sret:
	sret

	.globl	user_return
	.balign	4
user_return:
	csrrw	a0, sscratch, a0		# a0 = task, the task's a0 waits in sscratch
	for_user_gprs_but_a0 sd
	li	t0, SR_VS
	csrrc	t0, sstatus, t0
	csrr	t1, sepc
	csrrw	t2, sscratch, zero		# t2 = the task's a0
	ld	t3, TASK_KERNEL_STVEC(a0)
	csrw	stvec, t3
	sd	t0, TASK_STATUS(a0)
	sd	t1, TASK_EPC(a0)
	sd	t2, 8 * 10(a0)
	for_kernel_gprs ld
	ret
