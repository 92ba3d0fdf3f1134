// SPDX-License-Identifier: Apache-2.0
/*
 * vector_save(cntx), vector_restore(cntx): move the whole vector context between the registers and memory.
 * a0 points to a struct kvm_cpu_context. The order is the point of these routines; each step says why it is where it is.
 */
#include "context.h"
#include "vector_unit.h"

#define x_vstart	t0
#define x_vtype		t1
#define x_vl		t2
#define x_vcsr		t3
#define step		t4
#define enable		t5
#define x_vlenb		t6
#define datap		a1

	.text

	.globl	vector_save
	.balign	4
vector_save:
	vector_on enable
	ld	datap, CONTEXT_VECTOR + VSTATE_DATAP(a0)
	csrr	x_vstart, vstart		# first: every vector instruction resets vstart
	csrr	x_vtype, vtype			# vtype and vl: before vsetvli overwrites them
	csrr	x_vl, vl
	csrr	x_vcsr, vcsr
#ifdef KVM_V_HAS_VLENB
	csrr	x_vlenb, vlenb
#endif
	vsetvli	step, zero, e8, m8, ta, ma	# all bytes of eight registers, whatever vl was; vstart becomes 0
	vse8.v	v0, (datap)
	add	datap, datap, step
	vse8.v	v8, (datap)
	add	datap, datap, step
	vse8.v	v16, (datap)
	add	datap, datap, step
	vse8.v	v24, (datap)
	sd	x_vstart, CONTEXT_VECTOR + VSTATE_VSTART(a0)
	sd	x_vtype, CONTEXT_VECTOR + VSTATE_VTYPE(a0)
	sd	x_vl, CONTEXT_VECTOR + VSTATE_VL(a0)
	sd	x_vcsr, CONTEXT_VECTOR + VSTATE_VCSR(a0)
#ifdef KVM_V_HAS_VLENB
	sd	x_vlenb, CONTEXT_VECTOR + VSTATE_VLENB(a0)
#endif
	vector_off enable
	ret

	.globl	vector_restore
	.balign	4
vector_restore:
	vector_on enable
	ld	datap, CONTEXT_VECTOR + VSTATE_DATAP(a0)
	vsetvli	step, zero, e8, m8, ta, ma	# vl = VLMAX leaves no tail for ta to scramble; vstart becomes 0
	vle8.v	v0, (datap)
	add	datap, datap, step
	vle8.v	v8, (datap)
	add	datap, datap, step
	vle8.v	v16, (datap)
	add	datap, datap, step
	vle8.v	v24, (datap)
	ld	x_vstart, CONTEXT_VECTOR + VSTATE_VSTART(a0)
	ld	x_vtype, CONTEXT_VECTOR + VSTATE_VTYPE(a0)
	ld	x_vl, CONTEXT_VECTOR + VSTATE_VL(a0)
	ld	x_vcsr, CONTEXT_VECTOR + VSTATE_VCSR(a0)
	vsetvl	zero, x_vl, x_vtype		# vl and vtype are read-only CSRs; a saved vill comes back as vill
	csrw	vstart, x_vstart		# after vsetvl, which resets it
	csrw	vcsr, x_vcsr
	vector_off enable
	ret
