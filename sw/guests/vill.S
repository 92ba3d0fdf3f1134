// SPDX-License-Identifier: Apache-2.0
/*
 * Leaves vtype = vill across exits: it must come back as vill with vl = 0, and the registers with it. That is the state
 * in which a fresh process finds the unit. A vector instruction under vill must trap, to this guest's own handler.
 * Failure codes: 1 vtype before, 2 vtype after, 3 vl after, 4 no trap, 5 a register.
 */
#include "guest.h"

	.bss
	.balign	8
seen:	.space	512

	.text
	.globl	guest_main
guest_main:					# a0 = round, a1 = owner
	add	a2, a0, a1
	vsetvli	t0, zero, e64, m1, ta, ma
	vmv.v.x	v9, a2
	li	t0, 5
	li	t1, -1				# every reserved bit set
	vsetvl	t2, t0, t1
	li	a3, 1
	slli	a3, a3, 63
	csrr	t0, vtype
	check_equal t0, a3, 1, done
	sbi	SBI_YIELD
	csrr	t0, vtype
	check_equal t0, a3, 2, done
	csrr	t0, vl
	check_equal t0, zero, 3, done

	li	a4, 0				# trap_entry counts here
	vadd.vi	v9, v9, 1
	li	t0, 1
	check_equal a4, t0, 4, done

	lla	t0, seen
	vs1r.v	v9, (t0)			# legal under vill
	ld	t1, (t0)
	check_equal t1, a2, 5, done
	li	a0, 0
done:	ret

	count_illegal a4
