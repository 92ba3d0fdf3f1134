// SPDX-License-Identifier: Apache-2.0
/* Another right pair: registers one by one, with vl and vtype as they are, and sstatus.VS left Off. */
#include "context.h"

#define at(field)	(CONTEXT_VECTOR + VSTATE_##field)

	.macro	for_each op
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	\op	v\n, (t0)
	add	t0, t0, t1
	.endr
	.endm

	.text

	.globl	vector_save
vector_save:
	li	t6, SR_VS
	csrs	sstatus, t6
	csrr	t2, vstart
	csrr	t3, vl
	csrr	t4, vtype
	csrr	t5, vcsr
	ld	t0, at(DATAP)(a0)
	csrr	t1, vlenb
	csrw	vstart, zero
	for_each vs1r.v
	sd	t2, at(VSTART)(a0)
	sd	t3, at(VL)(a0)
	sd	t4, at(VTYPE)(a0)
	sd	t5, at(VCSR)(a0)
#ifdef KVM_V_HAS_VLENB
	sd	t1, at(VLENB)(a0)
#endif
	csrc	sstatus, t6
	ret

	.globl	vector_restore
vector_restore:
	li	t6, SR_VS
	csrs	sstatus, t6
	ld	t0, at(DATAP)(a0)
	csrr	t1, vlenb
	csrw	vstart, zero
	for_each vl1re8.v
	ld	t3, at(VL)(a0)
	ld	t4, at(VTYPE)(a0)
	vsetvl	zero, t3, t4
	ld	t5, at(VCSR)(a0)
	csrw	vcsr, t5
	ld	t2, at(VSTART)(a0)
	csrw	vstart, t2
	csrc	sstatus, t6
	ret
