// SPDX-License-Identifier: Apache-2.0
/*
 * Visits M, HS, U, VS and VU: vector instructions and CSRs in each, traps with and without delegation, and faults in
 * the middle of vector loads and stores, which resume once the page is there. main returns the number of the first
 * check that fails, or 0.
 */
#define PAGE		0x1000
#define WINDOW		0x40000000	/* virtual or guest-physical address of `pages` */
#define BEFORE		5		/* elements of 32 bits before the second page */
#define ACROSS		(WINDOW + PAGE - 4 * BEFORE)

#include "modes.h"

	.text
	.globl	main
	.balign	4
main:
	mv	s10, ra
	lla	t0, machine_trap
	csrw	mtvec, t0
	lla	t0, supervisor_trap
	csrw	stvec, t0
	lla	t0, guest_trap
	csrw	vstvec, t0
	lla	t0, machine_stack
	csrw	mscratch, t0
	lla	t0, supervisor_stack
	csrw	sscratch, t0
	lla	t0, guest_stack
	csrw	vsscratch, t0
	make_tables root, middle, leaves, PTE_LEAF
	make_tables guest_root, guest_middle, guest_leaves, PTE_GUEST_LEAF
	lla	s0, data
	li	s11, 0
	call	vectors
	call	vstart_and_vill
	call	csr_forms
	call	scalars
	call	supervisor
	call	user
	call	virtual_supervisor
	call	virtual_user
	li	a0, 0
	jr	s10

fail:
	mv	a0, s11
	j	exit

/* Every kind of vector instruction, masks, and moves of registers. */
vectors:
	vsetivli t1, 11, e16, m2, ta, ma
	expect	t1, 11
	vid.v	v2
	vadd.vi	v4, v2, -3
	vmslt.vx v0, v4, zero
	vrsub.vi v4, v4, 0, v0.t		# |i - 3|
	vmv.x.s	t1, v4
	expect	t1, 3
	vse16.v	v4, (s0)
	lh	t1, 20(s0)
	expect	t1, 7
	vmnand.mm v1, v0, v0
	vmerge.vxm v6, v4, s11, v0
	vmseq.vv v0, v2, v4
	vmv.v.i	v6, 0
	vle16.v	v6, (s0), v0.t
	vse16.v	v6, (s0), v0.t
	vmv.v.v	v10, v6
	vmv.s.x	v10, s0
	vmv2r.v	v12, v10
	vmv2r.v	v12, v12
	vsm.v	v0, (s0)
	vlm.v	v1, (s0)
	vs4r.v	v4, (s0)
	vl4re32.v v8, (s0)
	vsetivli t1, 0, e16, m2, ta, ma		# vl = 0 writes nothing
	vadd.vv	v2, v2, v2
	vle16.v	v2, (zero)
	expect_no_trap
	ret

vstart_and_vill:
	vsetivli zero, 11, e16, m2, ta, ma
	csrwi	vstart, 3			# a load keeps the elements below
	vle16.v	v2, (s0)
	expect_csr vstart, 0
	csrwi	vstart, 9			# arithmetic cannot start there
	vadd.vv	v2, v2, v2
	expect_trap ILLEGAL, M
	expect_csr vstart, 9
	vs1r.v	v2, (s0)
	csrwi	vstart, 31			# behind the end
	vse16.v	v2, (s0)
	expect_no_trap
	expect_csr vstart, 0
	vsetvli	t1, zero, e8, mf8, tu, mu
	vsetvli	zero, zero, e64, m1, ta, ma	# the same ratio keeps vl
	csrr	t2, vl
	sub	t1, t1, t2
	expect	t1, 0
	vsetvli	zero, zero, e8, m8, ta, ma	# another sets vill
	csrr	t1, vtype
	srli	t1, t1, 63
	expect	t1, 1
	vadd.vi	v1, v1, 1
	expect_trap ILLEGAL, M
	vl1re8.v v1, (s0)			# whole registers need no vtype
	vs1r.v	v1, (s0)
	li	t2, 0x1f			# e64, mf2: too small
	li	t1, 3
	vsetvl	t1, t1, t2
	expect	t1, 0
	vs1r.v	v1, (s0)
	li	t2, 0xa4			# reserved SEW and LMUL
	vsetvl	t1, t1, t2
	vs1r.v	v1, (s0)
	ret

/* CSR instructions of every form, on vector, status, interrupt and counter CSRs. */
csr_forms:
	csrrwi	t1, vcsr, 5
	csrrsi	t1, vxrm, 1
	csrrci	t1, vxsat, 1
	csrrc	t1, vcsr, t1
	csrrs	t1, vxrm, t1
	csrrw	zero, vxsat, s11
	csrs	vxrm, zero
	csrrs	t1, vlenb, zero
	csrs	vl, s11
	expect_trap ILLEGAL, M
	csrw	vtype, zero
	expect_trap ILLEGAL, M
	li	t0, SR_VS			# Off traps, Initial becomes Dirty
	csrc	mstatus, t0
	vsetivli t1, 1, e8, m1, ta, ma
	expect_trap ILLEGAL, M
	csrr	t1, vlenb
	expect_trap ILLEGAL, M
	li	t1, SR_VS_INITIAL
	csrs	sstatus, t1
	csrr	t1, vl
	vsetivli t1, 8, e32, m2, ta, ma
	csrr	t1, mstatus
	and	t1, t1, t0
	expect	t1, SR_VS
	li	t1, -1
	csrrw	t2, mstatus, t1
	csrw	mstatus, t2
	csrrw	t2, sstatus, zero
	csrw	sstatus, t2
	csrw	medeleg, t1
	csrw	medeleg, zero
	csrw	mideleg, t1
	csrw	sie, t1
	csrw	vsie, t1
	csrw	mie, zero
	csrw	sip, t1
	csrw	hvip, t1
	csrw	vsip, zero
	csrw	hvip, zero
	csrw	mip, zero
	csrw	mideleg, zero
	csrw	hstatus, t1
	csrw	hstatus, zero
	csrw	htval, t1
	csrw	mcounteren, t1
	csrw	menvcfg, t1
	csrw	satp, t1			# no such mode
	csrw	minstret, zero
	csrr	t1, minstret
	expect	t1, 0
	csrr	t1, cycle			# Zicntr is absent
	expect_trap ILLEGAL, M
	csrw	pmpcfg0, zero			# so is PMP
	expect_trap ILLEGAL, M
	ret

/* Atomics, misaligned and foreign addresses, words that are no instructions, an interrupt. */
scalars:
	li	t1, 40
	amoadd.w t2, t1, (s0)
	amomaxu.d t2, t1, (s0)
	amoswap.w zero, t1, (s0)
	lr.w	t2, (s0)
	sc.w	t3, t1, (s0)
	expect	t3, 0
	sc.w	t3, t1, (s0)
	expect	t3, 1
	lr.d	t2, (s0)
	addi	t3, s0, 8
	sc.d	zero, t1, (t3)
	sb	t1, 3(s0)
	lbu	t2, 3(s0)
	lw	t2, 2(s0)
	expect_trap LOAD_MISALIGNED, M
	addi	t3, s0, 1
	vle32.v	v2, (t3)
	expect_trap LOAD_MISALIGNED, M
	li	t3, 0x80000000 - 8
	ld	t2, 0(t3)
	expect_trap LOAD_ACCESS, M
	vse32.v	v2, (t3)
	expect_trap STORE_ACCESS, M
	lla	t4, third_on			# the first element that is not masked off is in RAM
	vlm.v	v0, (t4)
	vle32.v	v2, (t3), v0.t
	expect_no_trap
	.4byte	0
	expect_trap ILLEGAL, M
	.2byte	0
	expect_trap ILLEGAL, M
	.4byte	0x9e01b157			# vmv4r.v v2, v0: v2 is no multiple of four
	expect_trap ILLEGAL, M
	ebreak
	expect_trap BREAKPOINT, M
	fence
	fence.i
	csrsi	mie, SSIP
	csrsi	mip, SSIP
	wfi
	csrsi	mstatus, SR_MIE
	csrci	mstatus, SR_MIE
	expect_trap SOFTWARE_INT, M
	csrw	mie, zero
	hsv.w	t1, (s0)
	hlv.wu	t2, (s0)
	hlvx.hu	t2, (s0)
	ret

	/*
	 * Loads, changes and stores a vector that spans both pages of the window, with the second one gone before
	 * each; the handler in \mode brings it back for a fault of cause \load or \store. Then accesses that do not
	 * need it, and one that does and is skipped.
	 */
	.macro	span_pages load, store, mode, leaves
	li	s1, ACROSS
	lla	t0, missing
	lla	t1, \leaves + 8
	sd	t1, 0(t0)
	vsetivli t1, 12, e32, m4, ta, ma
	vid.v	v4
	service	TAKE_PAGE
	vle32.v	v8, (s1)
	expect_trap \load, \mode
	expect_csr vstart, 0
	vadd.vv	v8, v8, v4
	service	TAKE_PAGE
	vse32.v	v8, (s1)
	expect_trap \store, \mode
	service	TAKE_PAGE
	vle32ff.v v12, (s1)
	expect_csr vl, BEFORE
	vsetivli t1, 12, e32, m4, ta, ma
	vmsleu.vi v0, v4, BEFORE - 1
	vse32.v	v8, (s1), v0.t
	expect_no_trap
	lla	t0, missing
	sd	zero, 0(t0)
	vle32.v	v12, (s1)
	expect_trap \load, \mode
	expect_csr vstart, BEFORE
	vse32.v	v8, (s1)
	expect_trap \store, \mode
	ld	t1, 8(t5)
	expect	t1, WINDOW + PAGE
	csrw	vstart, zero
	.endm

supervisor:
	set_atp	satp, root
	service	HS
	csrr	t1, mscratch
	expect_trap ILLEGAL, M
	span_pages LOAD_PAGE, STORE_PAGE, M, leaves
	service	M
	li	t0, PAGE_FAULTS | 1 << ILLEGAL
	csrw	medeleg, t0
	service	HS
	span_pages LOAD_PAGE, STORE_PAGE, HS, leaves
	csrr	t1, mstatus
	expect_trap ILLEGAL, HS
	csrr	t1, sstatus
	csrw	vsstatus, t1
	service	M
	csrw	satp, zero
	csrw	medeleg, zero
	ret

user:
	service	U
	vsetivli t1, 16, e8, m1, ta, ma
	vle8.v	v1, (s0)
	vxor.vi	v1, v1, -1
	vse8.v	v1, (s0)
	csrwi	vcsr, 3
	csrr	t1, sstatus
	expect_trap ILLEGAL, M
	wfi
	expect_trap ILLEGAL, M
	hlv.w	t1, (s0)
	expect_trap ILLEGAL, M
	service	M
	li	t0, 1 << ILLEGAL
	csrw	medeleg, t0
	li	t0, SR_VS
	csrc	mstatus, t0
	service	U
	vadd.vv	v1, v1, v1
	expect_trap ILLEGAL, HS
	service	M
	csrs	mstatus, t0
	csrw	medeleg, zero
	ret

virtual_supervisor:
	li	t0, SR_VS
	csrc	vsstatus, t0
	service	VS
	vsetivli t1, 4, e32, m1, ta, ma		# Off in vsstatus
	expect_trap ILLEGAL, M
	li	t1, SR_VS_INITIAL
	csrs	sstatus, t1			# is vsstatus
	vsetivli t1, 4, e32, m1, ta, ma
	csrr	t1, sstatus
	and	t1, t1, t0
	expect	t1, SR_VS
	csrrw	t1, sscratch, s11		# is vsscratch
	csrw	sscratch, t1
	csrr	t1, hstatus
	expect_trap VIRTUAL, M
	csrw	vsatp, zero
	expect_trap VIRTUAL, M
	csrr	t1, mstatus
	expect_trap ILLEGAL, M
	hfence.gvma
	expect_trap VIRTUAL, M
	service	M
	csrc	mstatus, t0			# Off at HS level
	service	VS
	vadd.vv	v1, v1, v1
	expect_trap ILLEGAL, M
	service	M
	li	t1, SR_VS_INITIAL		# both become Dirty
	csrs	mstatus, t1
	csrc	vsstatus, t0
	csrs	vsstatus, t1
	service	VS
	vadd.vv	v1, v1, v1
	service	M
	csrr	t1, vsstatus
	and	t1, t1, t0
	expect	t1, SR_VS
	li	t0, PAGE_FAULTS | 1 << ILLEGAL
	csrw	medeleg, t0
	csrw	hedeleg, t0
	set_atp	vsatp, root
	service	VS
	span_pages LOAD_PAGE, STORE_PAGE, VS, leaves
	.4byte	0
	expect_trap ILLEGAL, VS
	service	M
	csrw	vsatp, zero
	set_atp	hgatp, guest_root
	li	t0, GUEST_FAULTS | 1 << VIRTUAL
	csrw	medeleg, t0
	service	VS
	span_pages LOAD_GUEST_PAGE, STORE_GUEST_PAGE, HS, guest_leaves
	csrr	t1, hstatus
	expect_trap VIRTUAL, HS
	service	M
	csrr	t1, htval
	csrw	hgatp, zero
	csrw	medeleg, zero
	ret

virtual_user:
	service	HS				# by sret from HS
	lla	t0, 1f
	csrw	sepc, t0
	li	t0, SR_SPP
	csrc	sstatus, t0
	li	t0, HS_SPV
	csrs	hstatus, t0
	sret
1:	csrr	t1, sstatus
	expect_trap VIRTUAL, M
	service	VS				# by sret from VS
	lla	t0, 1f
	csrw	sepc, t0
	li	t0, SR_SPP
	csrc	sstatus, t0
	sret
1:	vsetivli t1, 4, e64, m2, ta, ma
	vle64.v	v2, (s0)
	vmv.v.x	v4, s11
	vand.vv	v2, v2, v4
	vse64.v	v2, (s0)
	csrwi	vxrm, 2
	csrr	t1, sstatus
	expect_trap VIRTUAL, M
	sret
	expect_trap VIRTUAL, M
	hlv.w	t1, (s0)
	expect_trap VIRTUAL, M
	csrw	vl, zero
	expect_trap ILLEGAL, M
	service	M
	li	t0, 1 << ILLEGAL | 1 << BREAKPOINT
	csrw	medeleg, t0
	csrw	hedeleg, t0
	li	t0, SR_VS
	csrc	vsstatus, t0
	service	VU
	ebreak
	expect_trap BREAKPOINT, VS
	vadd.vv	v1, v1, v1
	expect_trap ILLEGAL, VS
	csrwi	vstart, 1
	expect_trap ILLEGAL, VS
	service	M
	csrs	vsstatus, t0
	csrw	hedeleg, zero
	service	VU
	ebreak
	expect_trap BREAKPOINT, HS
	service	M
	csrw	medeleg, zero
	ret

	trap_handler machine_trap, M, m
	trap_handler supervisor_trap, HS, s
	trap_handler guest_trap, VS, s

/* An ecall with the number of a service in a7. */
serve:
	li	t0, TAKE_PAGE
	beq	a7, t0, take_page
	li	t0, SR_MPV | SR_MPP
	csrc	mstatus, t0
	lla	t0, mode_bits
	slli	t1, a7, 3
	add	t0, t0, t1
	ld	t0, 0(t0)
	csrs	mstatus, t0
	j	skip_machine_trap
take_page:
	lla	t0, missing
	ld	t0, 0(t0)
	ld	t1, 0(t0)
	andi	t1, t1, ~PTE_VALID
	sd	t1, 0(t0)
	sfence.vma
	hfence.gvma
	j	skip_machine_trap

	.section .rodata
	.balign	8
mode_bits:
	.dword	SR_MPP, SR_MPP_S, 0, SR_MPV | SR_MPP_S, SR_MPV
third_on:
	.byte	0xfc

	.data
	.balign	16384
guest_root:
	.skip	16384
guest_middle:
	.skip	4096
guest_leaves:
	.skip	4096
root:
	.skip	4096
middle:
	.skip	4096
leaves:
	.skip	4096
pages:
	.rept	512
	.4byte	0x01020304, 0x11223344, 0x55667788, 0x99aabbcc
	.endr
data:
	.rept	1024
	.4byte	0xdeadbeef, 0x01234567
	.endr
seen:
	.dword	-1, 0, 0			# cause, tval, mode of the handler
missing:
	.dword	0				# the page table entry that a page fault handler makes valid
	.skip	32
machine_stack:
	.skip	32
supervisor_stack:
	.skip	32
guest_stack:
