// SPDX-License-Identifier: Apache-2.0
/*
 * vector_discard(): what a system call does to the caller's vector state, which its calling convention lets go: all bits
 * of v0 to v31 one, vl zero, vtype vill; vcsr stays.
 */
#include "context.h"
#include "vector_unit.h"

#define x_vtype		t1
#define step		t4
#define enable		t5

	.text

	.weak	vector_discard		# other routines may bring one of their own
	.balign	4
vector_discard:
	vector_on enable
	vsetvli	step, zero, e8, m8, ta, ma
	vmv.v.i	v0, -1
	vmv.v.i	v8, -1
	vmv.v.i	v16, -1
	vmv.v.i	v24, -1
	li	x_vtype, -1
	slli	x_vtype, x_vtype, 63
	vsetvl	zero, zero, x_vtype
	vector_off enable
	ret
