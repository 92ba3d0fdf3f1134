// SPDX-License-Identifier: Apache-2.0
/*
 * switch_to(arch): run the guest of a struct kvm_vcpu_arch (a0) until it traps to HS-mode.
 *
 * The guest's image of sstatus, VS included, is swapped in on entry and read back on exit: that is how the hypervisor
 * learns that the guest dirtied its vector state. No vector register moves here; that is what makes the scheme lazy.
 * The trap CSRs (scause, stval, htval) are left for the caller to read.
 */
#include "context.h"

/* Registers that a C caller expects to survive a call, a1-a7 too because the guest overwrites them. */
	.macro	for_host_gprs op
	.irp	n, 1, 2, 3, 4, 8, 9, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27
	\op	x\n, ARCH_HOST_CONTEXT + 8 * \n(a0)
	.endr
	.endm

	.macro	for_guest_gprs_but_a0 op
	.irp	n, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	\op	x\n, ARCH_GUEST_CONTEXT + 8 * \n(a0)
	.endr
	.endm

	.text

	.globl	switch_to
	.balign	4
switch_to:
	for_host_gprs sd

	ld	t0, ARCH_GUEST_CONTEXT + CONTEXT_SSTATUS(a0)
	ld	t1, ARCH_GUEST_CONTEXT + CONTEXT_HSTATUS(a0)
	ld	t2, ARCH_GUEST_CSR + CSR_SCOUNTEREN(a0)
	lla	t4, switch_return
	ld	t5, ARCH_GUEST_CONTEXT + CONTEXT_SEPC(a0)
	csrrw	t0, sstatus, t0
	csrrw	t1, hstatus, t1
	csrrw	t2, scounteren, t2
	csrrw	t4, stvec, t4
	csrrw	t3, sscratch, a0		# switch_return finds arch here
	csrw	sepc, t5
	sd	t0, ARCH_HOST_CONTEXT + CONTEXT_SSTATUS(a0)
	sd	t1, ARCH_HOST_CONTEXT + CONTEXT_HSTATUS(a0)
	sd	t2, ARCH_HOST_SCOUNTEREN(a0)
	sd	t3, ARCH_HOST_SSCRATCH(a0)
	sd	t4, ARCH_HOST_STVEC(a0)

	for_guest_gprs_but_a0 ld
	ld	a0, ARCH_GUEST_CONTEXT + 8 * 10(a0)
	.globl	switch_sret
switch_sret:
	sret

	.globl	switch_return
	.balign	4
switch_return:
	csrrw	a0, sscratch, a0		# a0 = arch, the guest's a0 waits in sscratch
	for_guest_gprs_but_a0 sd

	ld	t0, ARCH_HOST_CONTEXT + CONTEXT_SSTATUS(a0)
	ld	t1, ARCH_HOST_CONTEXT + CONTEXT_HSTATUS(a0)
	ld	t2, ARCH_HOST_SCOUNTEREN(a0)
	ld	t3, ARCH_HOST_SSCRATCH(a0)
	ld	t4, ARCH_HOST_STVEC(a0)
	csrr	t5, sepc
	csrrw	t3, sscratch, t3		# t3 = the guest's a0
	csrw	stvec, t4
	csrrw	t2, scounteren, t2
	csrrw	t1, hstatus, t1
	csrrw	t0, sstatus, t0			# t0 = the guest's sstatus, with what its VS became
	sd	t3, ARCH_GUEST_CONTEXT + 8 * 10(a0)
	sd	t0, ARCH_GUEST_CONTEXT + CONTEXT_SSTATUS(a0)
	sd	t1, ARCH_GUEST_CONTEXT + CONTEXT_HSTATUS(a0)
	sd	t2, ARCH_GUEST_CSR + CSR_SCOUNTEREN(a0)
	sd	t5, ARCH_GUEST_CONTEXT + CONTEXT_SEPC(a0)

	for_host_gprs ld
	ret
