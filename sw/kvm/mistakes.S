// SPDX-License-Identifier: Apache-2.0
/*
 * Eight mistakes that somebody could make in vector_save or vector_restore in good faith, each a routine of its own, which
 * takes a struct kvm_cpu_context as they do. The scenario that tries them says what each is; that it is noticed is a test
 * of the checks, not of the kernel.
 */
#include "context.h"
#include "vector_unit.h"

#define x_vstart	t0
#define x_vtype		t1
#define x_vl		t2
#define x_vcsr		t3
#define step		t4
#define enable		t5
#define datap		a1

	.macro	for_each_group op
	\op	v0, (datap)
	add	datap, datap, step
	\op	v8, (datap)
	add	datap, datap, step
	\op	v16, (datap)
	add	datap, datap, step
	\op	v24, (datap)
	.endm

	/* A save in which vstart or vtype is read too late, vcsr is forgotten, or vl stays what it was. */
	.macro	wrong_save name, vstart_late=0, vtype_late=0, no_vcsr=0, keeps_vl=0
	.globl	\name
	.balign	4
\name:	vector_on enable
	ld	datap, CONTEXT_VECTOR + VSTATE_DATAP(a0)
	.if	!\vstart_late
	csrr	x_vstart, vstart
	.endif
	.if	!\vtype_late
	csrr	x_vtype, vtype
	.endif
	csrr	x_vl, vl
	csrr	x_vcsr, vcsr
	.if	\keeps_vl
	csrr	step, vlenb
	slli	step, step, 3
	.else
	vsetvli	step, zero, e8, m8, ta, ma
	.endif
	.if	\vstart_late
	csrr	x_vstart, vstart
	.endif
	.if	\vtype_late
	csrr	x_vtype, vtype
	.endif
	for_each_group vse8.v
	sd	x_vstart, CONTEXT_VECTOR + VSTATE_VSTART(a0)
	sd	x_vtype, CONTEXT_VECTOR + VSTATE_VTYPE(a0)
	sd	x_vl, CONTEXT_VECTOR + VSTATE_VL(a0)
	.if	!\no_vcsr
	sd	x_vcsr, CONTEXT_VECTOR + VSTATE_VCSR(a0)
	.endif
	vector_off enable
	ret
	.endm

	/* A restore in which vstart comes before vsetvl or before the loads, vl before the loads, or vcsr is forgotten. */
	.macro	wrong_restore name, vstart_early=0, vl_first=0, vstart_first=0, no_vcsr=0
	.globl	\name
	.balign	4
\name:	vector_on enable
	ld	datap, CONTEXT_VECTOR + VSTATE_DATAP(a0)
	ld	x_vstart, CONTEXT_VECTOR + VSTATE_VSTART(a0)
	ld	x_vl, CONTEXT_VECTOR + VSTATE_VL(a0)
	ld	x_vtype, CONTEXT_VECTOR + VSTATE_VTYPE(a0)
	ld	x_vcsr, CONTEXT_VECTOR + VSTATE_VCSR(a0)
	vsetvli	step, zero, e8, m8, ta, ma
	.if	\vl_first
	vsetvl	zero, x_vl, x_vtype
	.endif
	.if	\vstart_first
	csrw	vstart, x_vstart
	.endif
	for_each_group vle8.v
	.if	\vstart_early
	csrw	vstart, x_vstart
	.endif
	.if	!\vl_first
	vsetvl	zero, x_vl, x_vtype
	.endif
	.if	!(\vstart_early || \vstart_first)
	csrw	vstart, x_vstart
	.endif
	.if	!\no_vcsr
	csrw	vcsr, x_vcsr
	.endif
	vector_off enable
	ret
	.endm

	.text

	wrong_save save_reads_vstart_late, vstart_late=1
	wrong_save save_reads_vtype_late, vtype_late=1
	wrong_save save_forgets_vcsr, no_vcsr=1
	wrong_save save_keeps_vl, keeps_vl=1
	wrong_restore restore_vstart_before_vsetvl, vstart_early=1
	wrong_restore restore_vstart_before_loads, vstart_first=1
	wrong_restore restore_vl_before_loads, vl_first=1
	wrong_restore restore_forgets_vcsr, no_vcsr=1
