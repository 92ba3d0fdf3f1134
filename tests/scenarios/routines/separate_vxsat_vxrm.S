// SPDX-License-Identifier: Apache-2.0
/*
 * A right pair of routines, written otherwise than the kernel's: whole-register moves with vstart cleared by hand, and vxsat
 * and vxrm instead of vcsr.
 */
#include "context.h"

#define at(field)	(CONTEXT_VECTOR + VSTATE_##field)

	.macro	for_each_group op
	.irp	group, 0, 8, 16, 24
	\op	v\group, (a1)
	add	a1, a1, a3
	.endr
	.endm

	.text

	.globl	vector_save
vector_save:
	li	a2, SR_VS
	csrrs	a2, sstatus, a2
	ld	a1, at(DATAP)(a0)
	csrr	t0, vstart
	sd	t0, at(VSTART)(a0)
	csrw	vstart, zero		# a whole-register store would begin there
	csrr	t0, vl
	sd	t0, at(VL)(a0)
	csrr	t0, vtype
	sd	t0, at(VTYPE)(a0)
	csrr	t0, vxsat
	csrr	t1, vxrm
	slli	t1, t1, 1
	or	t0, t0, t1
	sd	t0, at(VCSR)(a0)
	csrr	a3, vlenb
	slli	a3, a3, 3
	for_each_group vs8r.v
#ifdef KVM_V_HAS_VLENB
	srli	a3, a3, 3
	sd	a3, at(VLENB)(a0)
#endif
	csrw	sstatus, a2		# VS as it was, whatever the kernel expects
	ret

	.globl	vector_restore
vector_restore:
	li	a2, SR_VS
	csrrs	a2, sstatus, a2
	ld	a1, at(DATAP)(a0)
	csrw	vstart, zero
	csrr	a3, vlenb
	slli	a3, a3, 3
	for_each_group vl8re8.v
	ld	t0, at(VL)(a0)
	ld	t1, at(VTYPE)(a0)
	vsetvl	zero, t0, t1
	ld	t0, at(VCSR)(a0)
	csrw	vxsat, t0
	srli	t0, t0, 1
	csrw	vxrm, t0
	ld	t0, at(VSTART)(a0)
	csrw	vstart, t0
	csrw	sstatus, a2		# VS as it was, whatever the kernel expects
	ret
