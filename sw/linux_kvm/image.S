// SPDX-License-Identifier: Apache-2.0
/* The driver guest as it lies in guest memory. */
	.section .rodata
	.globl	guest_image, guest_image_end
	.balign	8
guest_image:
	.incbin	GUEST_IMAGE
guest_image_end:

	.section .note.GNU-stack, "", @progbits
