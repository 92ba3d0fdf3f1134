// SPDX-License-Identifier: Apache-2.0
/*
 * A guest whose ISA has no V turns its own VS on and tries the vector unit: each attempt must end as an illegal
 * instruction in its own handler, because the hypervisor keeps the HS-level VS Off (B-16, scenario 38). Failure codes:
 * 1 vsetvli did not trap, 2 a CSR read did not trap, 3 a store of a register, which could be the host's, did not trap.
 */
#include "guest.h"

	.bss
	.balign	8
stolen:	.space	512

	.text
	.globl	guest_main
guest_main:
	li	a4, 0				# trap_entry counts here
	vsetvli	t0, zero, e8, m1, ta, ma
	li	t0, 1
	check_equal a4, t0, 1, done
	csrr	t0, vl
	li	t0, 2
	check_equal a4, t0, 2, done
	lla	t0, stolen
	vs1r.v	v8, (t0)
	li	t0, 3
	check_equal a4, t0, 3, done
	sbi	SBI_YIELD
	li	a0, 0
done:	ret

	count_illegal a4
