/* SPDX-License-Identifier: Apache-2.0 */
/* The vector unit as the module uses it: the same code as the golden hypervisor's kernel-mode vector code. */
	.option	arch, +v
#include "../kvm/xor.S"
#include "../move_all.h"

	.globl	get_vtype
get_vtype:
	csrr	a0, vtype
	ret

	.globl	get_vl
get_vl:
	csrr	a0, vl
	ret

	/* store_all(to): v0 to v31; load_all(from) */
	.globl	store_all
	.balign	4
store_all:
	csrw	vstart, zero
	move_all vs8r.v, a0
	ret

	.globl	load_all
	.balign	4
load_all:
	csrw	vstart, zero
	move_all vl8re8.v, a0
	ret

	.section .note.GNU-stack, "", @progbits
