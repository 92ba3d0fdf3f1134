// SPDX-License-Identifier: Apache-2.0
/*
 * vector_on and vector_off: the brackets around code of the kernel that uses the vector unit. Their argument is a register
 * that is the code's own from one to the other.
 */
#ifndef VCTX_KVM_VECTOR_UNIT_H
#define VCTX_KVM_VECTOR_UNIT_H

	/*
	 * With VS Off even the CSR reads are illegal (B-5). Afterwards VS is Off, whatever it was (S14), or what it was,
	 * so that a section of kernel-mode vector code around the call goes on.
	 */
	.macro	vector_on enable
	li	\enable, SR_VS
#ifdef KVM_V_KEEPS_VS
	csrrs	\enable, sstatus, \enable
#else
	csrs	sstatus, \enable
#endif
	.endm

	.macro	vector_off enable
#ifdef KVM_V_KEEPS_VS
	csrw	sstatus, \enable
#else
	csrc	sstatus, \enable
#endif
	.endm

#endif
