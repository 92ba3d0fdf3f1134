// SPDX-License-Identifier: Apache-2.0
/*
 * Where harts start: a0 = hart, a1 = device tree. OpenSBI changes the tree in place, and Spike's lies in ROM, so hart 0
 * copies it to RAM. a2 tells OpenSBI (fw_dynamic) where the kernel is and which hart boots it.
 */
#define FDT_SIZE	4			/* offset of the big-endian size of the tree */
#define INFO_MAGIC	0x4942534f		/* "OSBI" */
#define INFO_VERSION	2
#define S_MODE		1

	.section .text.start, "ax"

	.globl	_start
_start:
	li	t1, FDT_COPY
	bnez	a0, 2f
	lbu	t2, (FDT_SIZE + 1)(a1)
	lbu	t3, (FDT_SIZE + 2)(a1)
	lbu	t4, (FDT_SIZE + 3)(a1)
	slli	t2, t2, 16
	slli	t3, t3, 8
	or	t2, t2, t3
	or	t2, t2, t4
	mv	t5, t1
1:	lbu	t3, 0(a1)
	sb	t3, 0(t5)
	addi	a1, a1, 1
	addi	t5, t5, 1
	addi	t2, t2, -1
	bgtz	t2, 1b
2:	mv	a1, t1
	lla	a2, info
	li	t0, FIRMWARE
	jr	t0

	.section .rodata
	.balign	8
info:	.dword	INFO_MAGIC, INFO_VERSION, KERNEL, S_MODE, 0, 0
