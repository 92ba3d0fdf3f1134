// SPDX-License-Identifier: Apache-2.0
/* Seen in a public hypervisor: save stores whole registers while vstart is what the guest left, so they begin there. */
#include "context.h"

#define at(field)	(CONTEXT_VECTOR + VSTATE_##field)

	.text

	.globl	vector_save
vector_save:
	li	t5, SR_VS
	csrs	sstatus, t5
	csrr	t0, vstart
	csrr	t1, vl
	csrr	t2, vtype
	csrr	t3, vcsr
	ld	a1, at(DATAP)(a0)
	csrr	t4, vlenb
	slli	t4, t4, 3
	vs8r.v	v0, (a1)
	add	a1, a1, t4
	vs8r.v	v8, (a1)
	add	a1, a1, t4
	vs8r.v	v16, (a1)
	add	a1, a1, t4
	vs8r.v	v24, (a1)
	sd	t0, at(VSTART)(a0)
	sd	t1, at(VL)(a0)
	sd	t2, at(VTYPE)(a0)
	sd	t3, at(VCSR)(a0)
	csrc	sstatus, t5
	ret

	.globl	vector_restore
vector_restore:
	li	t5, SR_VS
	csrs	sstatus, t5
	ld	a1, at(DATAP)(a0)
	vsetvli	t4, zero, e8, m8, ta, ma
	vle8.v	v0, (a1)
	add	a1, a1, t4
	vle8.v	v8, (a1)
	add	a1, a1, t4
	vle8.v	v16, (a1)
	add	a1, a1, t4
	vle8.v	v24, (a1)
	ld	t0, at(VSTART)(a0)
	ld	t1, at(VL)(a0)
	ld	t2, at(VTYPE)(a0)
	ld	t3, at(VCSR)(a0)
	vsetvl	zero, t1, t2
	csrw	vstart, t0
	csrw	vcsr, t3
	csrc	sstatus, t5
	ret
