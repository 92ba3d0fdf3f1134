// SPDX-License-Identifier: Apache-2.0
/*
 * Layout of the structures that assembly and the golden hypervisor share, RV64. This is its only description:
 * layout.S exports every constant as an absolute symbol and the Python side reads them from the ELF file.
 *
 * struct kvm_cpu_context keeps the kernel's offsets as posted. KVM_V_HAS_VLENB selects the six-long
 * vector state of Linux 6.5 over the five-long one of the posted patch (S17).
 */
#ifndef VCTX_KVM_CONTEXT_H
#define VCTX_KVM_CONTEXT_H

#define SR_VS			0x600

/* struct __riscv_v_ext_state */
#define VSTATE_VSTART		0
#define VSTATE_VL		8
#define VSTATE_VTYPE		16
#define VSTATE_VCSR		24
#ifdef KVM_V_HAS_VLENB
#define VSTATE_VLENB		32
#define VSTATE_DATAP		40
#define VSTATE_SIZE		48
#else
#define VSTATE_DATAP		32
#define VSTATE_SIZE		40
#endif

/* struct kvm_cpu_context: x0..x31 as longs, then these */
#define CONTEXT_SEPC		256
#define CONTEXT_SSTATUS		264
#define CONTEXT_HSTATUS		272
#define CONTEXT_FP		288	/* f0..f31 and fcsr, whose offset depends on the width of f0 */
#define CONTEXT_VECTOR		816
#define CONTEXT_SIZE		864

/* struct kvm_vcpu_arch */
#define ARCH_HOST_CONTEXT	0
#define ARCH_GUEST_CONTEXT	CONTEXT_SIZE
#define ARCH_HOST_STVEC		1728
#define ARCH_HOST_SSCRATCH	1736
#define ARCH_HOST_SCOUNTEREN	1744
#define ARCH_GUEST_CSR		1752
#define ARCH_ISA		1840
#define ARCH_RESET_CONTEXT	1864
#define ARCH_RESET_CSR		2728
#define ARCH_SIZE		2816

/* struct kvm_vcpu_csr */
#define CSR_VSSTATUS		0
#define CSR_VSIE		8
#define CSR_VSTVEC		16
#define CSR_VSSCRATCH		24
#define CSR_VSEPC		32
#define CSR_VSCAUSE		40
#define CSR_VSTVAL		48
#define CSR_HVIP		56
#define CSR_VSATP		64
#define CSR_SCOUNTEREN		72
#define CSR_SENVCFG		80
#define CSR_SIZE		88

/* A host task: pt_regs (epc, x1..x31, status), the state of the kernel that entered it, thread.vstate */
#define TASK_EPC		0
#define TASK_STATUS		256
#define TASK_KERNEL_STVEC	264
#define TASK_KERNEL_GPRS	272
#define TASK_VSTATE		400
#define TASK_SIZE		448

#endif
