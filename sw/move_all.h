// SPDX-License-Identifier: Apache-2.0
/* All vector registers at once. */
#ifndef VCTX_MOVE_ALL_H
#define VCTX_MOVE_ALL_H

	/* \op is vl8re8.v or vs8r.v; \at, the address, ends at the last eight registers. Clobbers t0. */
	.macro	move_all op, at
	csrr	t0, vlenb
	slli	t0, t0, 3
	\op	v0, (\at)
	add	\at, \at, t0
	\op	v8, (\at)
	add	\at, \at, t0
	\op	v16, (\at)
	add	\at, \at, t0
	\op	v24, (\at)
	.endm

#endif
