// SPDX-License-Identifier: Apache-2.0
/*
 * boot(canary): M-mode start of one hart, a0 = 32 * VLEN/8 bytes, ra = where HS-mode starts.
 *
 * Delegates traps to HS-mode as firmware does and gives every vector register a known value (the canary), because what
 * the register file holds after reset is unspecified. Leaves VS Off, as the kernel expects to find it.
 */
#include "kvm/context.h"

#define MSTATUS_MPP		0x1800
#define MSTATUS_MPP_S		0x0800
#define MISA_V			(1 << 21)
/* All causes but the environment calls from HS- and M-mode, which firmware serves. */
#define MEDELEG			0xf0b5ff
#define MIDELEG			0x222

	.section .text.boot, "ax"

	.globl	boot
	.balign	4
boot:
	lla	t0, machine_trap
	csrw	mtvec, t0
	li	t0, MEDELEG
	csrw	medeleg, t0
	li	t0, MIDELEG
	csrw	mideleg, t0
	li	t0, 7
	csrw	mcounteren, t0
	csrw	satp, zero

	csrr	t0, misa
	li	t1, MISA_V
	and	t0, t0, t1
	beqz	t0, no_vector
	li	t5, SR_VS
	csrs	mstatus, t5
	vsetvli	t4, zero, e8, m8, ta, ma
	vle8.v	v0, (a0)
	add	a0, a0, t4
	vle8.v	v8, (a0)
	add	a0, a0, t4
	vle8.v	v16, (a0)
	add	a0, a0, t4
	vle8.v	v24, (a0)
	csrw	vcsr, zero
	csrc	mstatus, t5
no_vector:
	li	t0, MSTATUS_MPP
	csrc	mstatus, t0
	li	t0, MSTATUS_MPP_S
	csrs	mstatus, t0
	csrw	mepc, ra
	mret

	/* Nothing may trap to M-mode after boot; the golden hypervisor stops when a hart arrives here. */
	.globl	machine_trap
	.balign	4
machine_trap:
	j	machine_trap
