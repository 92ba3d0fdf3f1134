// SPDX-License-Identifier: Apache-2.0
/*
 * Repeats a recorded trace on a bare core: a table of records (`.steps`), each executed by the routine that its first
 * doubleword points to. pymodel/exported makes the table, the words to execute, page tables and memory.
 *
 * A step executes one instruction word in the mode and translation that it needs. It sits in a snippet of 32 bytes:
 *	0	up to three loads of operands, and mret to the word
 *	16	the word
 *	20	ecall, which comes back if the word does not trap
 *	24	a0 = the value of rd, which was known before; jump to `resume`, or to `resume_status` to keep VS and SD only
 * Every trap ends in `trapped`, in M-mode. What the word left is folded into one number, which the record knows:
 *	fold(h, v) = m ^ m >> 32, m = (h + v) * FACTOR, from rd over vl, vtype, vstart, vcsr, mcause, mtval, mtval2, mepc to VS and SD
 * sp points to the record; nothing else is kept in registers between records. The exit code is 0 if all was as it had
 * to be, else 1; `failures` says how often not, and `failed` where. It is 2 after a trap that belongs to no step.
 */
#define MSTATUS_VS	0x600
#define FAILED		8190			/* entries of `failed` */

	.option	norvc
	.text
	.globl	_start
	/* The entries that the table and the snippets know, in the order of pymodel/exported/runner.py. */
_start:	j	boot
	j	step
	j	resume
	j	resume_status
	j	copy_line
	j	copy
	j	copy_bytes
	j	status
	j	translate
	j	load_register
	j	adopt
	j	save_registers
	j	check
	j	end

	.macro	next size
	addi	sp, sp, \size
	ld	t0, 0(sp)
	jr	t0
	.endm
	.macro	fold value
	add	a0, a0, \value
	mul	a0, a0, a1
	srli	a2, a0, 32			# else the top bits would reach nothing but themselves
	xor	a0, a0, a2
	.endm
	.macro	fold_csr name
	csrr	t1, \name
	fold	t1
	.endm

boot:	csrw	mscratch, zero
	lla	t0, current
	sd	zero, 8(t0)			# signature
	sd	zero, 16(t0)			# failures
	lla	t0, 1f				# a core without PMP traps here
	csrw	mtvec, t0
	li	t0, -1
	csrw	pmpaddr0, t0
	li	t0, 0x1f			# all of memory: NAPOT, R, W, X
	csrw	pmpcfg0, t0
	.balign	4
1:	lla	t0, trapped
	csrw	mtvec, t0
	.irp	csr, mie, medeleg, mideleg, hedeleg, hideleg, hstatus, satp, vsatp, hgatp, vsstatus
	csrw	\csr, zero
	.endr
	li	t0, MSTATUS_VS			# registers have any value after reset; here 0
	csrw	mstatus, t0
	csrw	vcsr, zero
	csrw	vstart, zero
	vsetvli	t1, zero, e8, m8, ta, ma
	.irp	group, 0, 8, 16, 24
	vmv.v.i	v\group, 0
	.endr
	li	t0, 1
	slli	t0, t0, 63
	vsetvl	t1, zero, t0			# vill, as after reset
	csrw	mstatus, zero
	lla	sp, steps
	next	0

/* address of this routine, bits of mstatus, pc of the word, address of its snippet, rs1, rs2, what is right */
step:	csrw	mscratch, sp
	lla	t3, current
	sd	sp, 0(t3)
	ld	t0, cleared
	ld	t1, 8(sp)
	ld	t2, 16(sp)
	ld	t3, 24(sp)
	csrc	mstatus, t0
	csrs	mstatus, t1
	csrw	mepc, t2
	jr	t3

	.balign	64
trapped:
	csrrw	sp, mscratch, sp
	beqz	sp, lost
	ld	sp, 24(sp)			# mscratch has what the step left in sp
	jalr	zero, 24(sp)

resume_status:
	ld	a1, visible
	and	a0, a0, a1
resume:	csrw	mscratch, zero			# until the next step there must be no trap
	lla	t3, current
	ld	sp, 0(t3)
	ld	a1, factor
	csrr	t0, mstatus
	li	t1, MSTATUS_VS
	csrs	mstatus, t1
	.irp	csr, vl, vtype, vstart, vcsr
	fold_csr \csr
	.endr
	csrw	mstatus, t0
	.irp	csr, mcause, mtval, mtval2, mepc
	fold_csr \csr
	.endr
	ld	t2, visible
	and	t0, t0, t2
	fold	t0
	csrr	t1, vsstatus
	and	t1, t1, t2
	fold	t1
	ld	t1, 48(sp)
	li	t4, 56
judge:						# a0 is to be t1; t3 = current, t4 = size of the record
	mv	t5, a0
	ld	a0, 8(t3)
	fold	t5
	sd	a0, 8(t3)
	beq	t5, t1, 1f
	ld	t0, 16(t3)
	li	t1, FAILED
	addi	t2, t0, 1
	sd	t2, 16(t3)
	bgeu	t0, t1, 1f
	slli	t0, t0, 4
	lla	t1, failed
	add	t1, t1, t0
	sd	sp, 0(t1)
	sd	t5, 8(t1)
1:	add	sp, sp, t4
	next	0

/* address, where to, 64 bytes of data */
copy_line:
	ld	t0, 8(sp)
	.irp	at, 0, 8, 16, 24, 32, 40, 48, 56
	ld	t1, (16 + \at)(sp)
	sd	t1, \at(t0)
	.endr
	next	80

/* address, where to, number of doublewords, data */
copy:	ld	t0, 8(sp)
	ld	t2, 16(sp)
	addi	sp, sp, 24
1:	ld	t1, 0(sp)
	sd	t1, 0(t0)
	addi	sp, sp, 8
	addi	t0, t0, 8
	addi	t2, t2, -1
	bnez	t2, 1b
	next	0

/* address, where to, number of bytes, data, filled up to a multiple of 8 */
copy_bytes:
	ld	t0, 8(sp)
	ld	t2, 16(sp)
	addi	sp, sp, 24
1:	lbu	t1, 0(sp)
	sb	t1, 0(t0)
	addi	sp, sp, 1
	addi	t0, t0, 1
	addi	t2, t2, -1
	bnez	t2, 1b
	addi	sp, sp, 7
	andi	sp, sp, -8
	next	0

/* address, bits to clear in mstatus, bits to set, the same of vsstatus */
status:	ld	t0, 8(sp)
	ld	t1, 16(sp)
	ld	t2, 24(sp)
	ld	t3, 32(sp)
	csrc	mstatus, t0
	csrs	mstatus, t1
	csrc	vsstatus, t2
	csrs	vsstatus, t3
	next	40

/* address, satp, vsatp, hgatp */
translate:
	ld	t0, 8(sp)
	ld	t1, 16(sp)
	ld	t2, 24(sp)
	csrw	satp, t0
	csrw	vsatp, t1
	csrw	hgatp, t2
	sfence.vma
	hfence.gvma
	hfence.vvma
	next	32

/* address, offset of the stub of a register, address of its value: loads one vector register; VS is Dirty then */
load_register:
	li	t0, MSTATUS_VS
	csrs	mstatus, t0
	csrw	vstart, zero
	ld	t0, 8(sp)
	lla	t1, stubs
	add	t1, t1, t0
	ld	t0, 16(sp)
	jr	t1
loaded:	next	24

stubs:
	.irp	n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
	vl1re8.v v\n, (t0)
	j	loaded
	.endr

/* address, vl, vtype, vcsr, vstart, VS of mstatus, VS of vsstatus: the state that an instruction left */
adopt:	li	t0, MSTATUS_VS
	csrs	mstatus, t0
	ld	t1, 8(sp)
	ld	t2, 16(sp)
	vsetvl	zero, t1, t2
	ld	t1, 24(sp)
	csrw	vcsr, t1
	ld	t1, 32(sp)
	csrw	vstart, t1
	ld	t1, 40(sp)
	ld	t2, 48(sp)
	csrc	mstatus, t0
	csrs	mstatus, t1
	csrc	vsstatus, t0
	csrs	vsstatus, t2
	next	56

/* address: all vector registers go to `registers` */
save_registers:
	csrr	t0, mstatus
	li	t1, MSTATUS_VS
	csrs	mstatus, t1
	csrr	t2, vstart
	csrw	vstart, zero
	csrr	t1, vlenb
	slli	t1, t1, 3
	lla	t3, registers
	.irp	group, 0, 8, 16, 24
	vs8r.v	v\group, (t3)
	add	t3, t3, t1
	.endr
	csrw	vstart, t2
	csrw	mstatus, t0
	next	8

/* address, first doubleword, number of doublewords, what their fold is to be */
check:	ld	t0, 8(sp)
	ld	t2, 16(sp)
	ld	a1, factor
	li	a0, 0
1:	ld	t1, 0(t0)
	fold	t1
	addi	t0, t0, 8
	addi	t2, t2, -1
	bnez	t2, 1b
	lla	t3, current
	ld	t1, 24(sp)
	li	t4, 32
	j	judge

lost:	li	a0, 2
	j	1f
end:	lla	t3, current
	ld	a0, 16(t3)			# failures
	snez	a0, a0
1:	slli	a0, a0, 1			# HTIF: code << 1 | 1
	ori	a0, a0, 1
	lla	t0, tohost
	sd	a0, 0(t0)
1:	j	1b

	.balign	8
cleared:					# of mstatus, before a step: all modes, enables and SUM, MXR, MPRV, TVM, TW, TSR
	.dword	0xc0007e19aa
visible:
	.dword	0x8000000000000600
factor:
	.dword	0x9e3779b97f4a7c15

	.section .tohost, "aw"
	.balign	8
	.globl	tohost, fromhost
tohost:
	.dword	0
	.balign	64
fromhost:
	.dword	0
	.size	tohost, 8			# QEMU wants to know
	.size	fromhost, 8

	.section .state, "aw", @nobits
	.balign	8
	.globl	signature, failures, failed, registers
current:
	.skip	8				# the record under way
signature:
	.skip	8
failures:
	.skip	8
failed:						# the first records that failed: address, and what it was instead
	.skip	16 * FAILED
	.balign	4096
registers:
	.skip	32 * 512
