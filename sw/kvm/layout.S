// SPDX-License-Identifier: Apache-2.0
/* Exports the layout of context.h as absolute symbols, so that Python reads it instead of repeating it. */
#include "context.h"

	.macro	export name, value
	.globl	\name
	.set	\name, \value
	.endm

	export	layout_vstate_vstart,		VSTATE_VSTART
	export	layout_vstate_vl,		VSTATE_VL
	export	layout_vstate_vtype,		VSTATE_VTYPE
	export	layout_vstate_vcsr,		VSTATE_VCSR
#ifdef KVM_V_HAS_VLENB
	export	layout_vstate_vlenb,		VSTATE_VLENB
#endif
	export	layout_vstate_datap,		VSTATE_DATAP
	export	layout_vstate_size,		VSTATE_SIZE

	export	layout_context_sepc,		CONTEXT_SEPC
	export	layout_context_sstatus,		CONTEXT_SSTATUS
	export	layout_context_hstatus,		CONTEXT_HSTATUS
	export	layout_context_fp,		CONTEXT_FP
	export	layout_context_vector,		CONTEXT_VECTOR
	export	layout_context_size,		CONTEXT_SIZE

	export	layout_arch_host_context,	ARCH_HOST_CONTEXT
	export	layout_arch_guest_context,	ARCH_GUEST_CONTEXT
	export	layout_arch_guest_csr,		ARCH_GUEST_CSR
	export	layout_arch_isa,		ARCH_ISA
	export	layout_arch_reset_context,	ARCH_RESET_CONTEXT
	export	layout_arch_reset_csr,		ARCH_RESET_CSR
	export	layout_arch_size,		ARCH_SIZE

	export	layout_csr_vsstatus,		CSR_VSSTATUS
	export	layout_csr_vsie,		CSR_VSIE
	export	layout_csr_vstvec,		CSR_VSTVEC
	export	layout_csr_vsscratch,		CSR_VSSCRATCH
	export	layout_csr_vsepc,		CSR_VSEPC
	export	layout_csr_vscause,		CSR_VSCAUSE
	export	layout_csr_vstval,		CSR_VSTVAL
	export	layout_csr_hvip,		CSR_HVIP
	export	layout_csr_vsatp,		CSR_VSATP
	export	layout_csr_scounteren,		CSR_SCOUNTEREN
	export	layout_csr_senvcfg,		CSR_SENVCFG
	export	layout_csr_size,		CSR_SIZE

	export	layout_task_epc,		TASK_EPC
	export	layout_task_status,		TASK_STATUS
	export	layout_task_vstate,		TASK_VSTATE
	export	layout_task_size,		TASK_SIZE
