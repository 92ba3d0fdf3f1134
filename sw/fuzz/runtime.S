// SPDX-License-Identifier: Apache-2.0
/*
 * The world of a fuzz program: boot code, trap handlers and page tables.
 *
 * A program is a page of code, `body`, and a page of initial values, `params`. Boot loads the values in M-mode and
 * enters the body in its first mode. The body runs in all five modes: its physical page is also its page for HS and VS;
 * where the first stage of translation is on, U and VU see it 1 GiB lower, because one page cannot be executable for
 * both S and U. Every trap ends in one of two handlers, which do one of three things:
 *	ecall		go on behind it in another mode: t5 = MPP | V << 2 | (address is 1 GiB lower) << 3
 *	memory fault	while t4 > 0: count t4 down, set a0 to a5 to t3, an address of better luck, and try again
 *	other		go on with the next instruction
 * The body leaves s11 and t3 to t6 alone. Instructions are 4 bytes; the last one, at `end`, jumps to itself. EXPORTED is
 * defined for a program that ends by itself, as finish.S says.
 */
#define MEMORY_FAULTS	0xa0a0f0		/* causes 4 to 7, 13, 15, 21, 23 */
#define MPP_MPV		0x8000001800
#define VS_INITIAL	0x200

	.section .runtime, "ax"

	/* Offsets into params are counted here, and exported for whoever fills the page. */
	.set	offset, 0
	.macro	param reg, name
	.globl	param_\name
	.set	param_\name, offset
	ld	\reg, offset(t6)
	.set	offset, offset + 8
	.endm
	.macro	param_csr name
	param	t5, \name
	csrw	\name, t5
	.endm

	.globl	boot
boot:	csrw	mstatus, zero
#ifdef EXPORTED
	lla	t6, m_trap_exported
#else
	lla	t6, m_trap
#endif
	csrw	mtvec, t6
	lla	t6, s_trap
	csrw	stvec, t6
	csrw	vstvec, t6
	lla	t6, params
	.irp	csr, medeleg, hedeleg, hstatus, satp, vsatp, hgatp, vsstatus
	param_csr \csr
	.endr
	li	t5, VS_INITIAL
	csrw	mstatus, t5
	.irp	reg, 0, 8, 16, 24
	param	t5, v\reg
	vl8re8.v v\reg, (t5)
	.endr
	param	t4, vl
	param	t5, vtype
	vsetvl	zero, t4, t5
	.irp	csr, vcsr, vstart
	param_csr \csr
	.endr
	.irp	reg, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 28, 29
	param	x\reg, x\reg
	.endr
	param_csr mepc
	param_csr mstatus			# last: it may turn VS off
	mret

	/* x: m or s, the level of the handler. */
	.macro	handle x
	csrr	t6, \x\()cause
	.ifc	\x, m
	addi	s11, t6, -8
	sltiu	s11, s11, 4			# ecall from U, HS, VS or M
	bnez	s11, switch
	.endif
	li	s11, MEMORY_FAULTS
	srl	s11, s11, t6
	andi	s11, s11, 1
	beqz	s11, \x\()_skip
	beqz	t4, \x\()_skip
	addi	t4, t4, -1
	.irp	reg, a0, a1, a2, a3, a4, a5
	mv	\reg, t3
	.endr
	\x\()ret
\x\()_skip:
	csrr	t6, \x\()epc
	addi	t6, t6, 4
	csrw	\x\()epc, t6
	\x\()ret
	.endm

	.balign	8
	.globl	m_trap
m_trap:	handle	m
	.balign	8
s_trap:	handle	s

switch:	li	t6, MPP_MPV
	csrc	mstatus, t6
	andi	t6, t5, 3			# MPP
	slli	t6, t6, 11
	andi	s11, t5, 4			# MPV
	slli	s11, s11, 37
	or	t6, t6, s11
	csrs	mstatus, t6
	csrr	t6, mepc
	slli	t6, t6, 52			# offset in the page
	srli	t6, t6, 52
	lla	s11, body
	add	t6, t6, s11
	srli	s11, t5, 3
	slli	s11, s11, 30
	sub	t6, t6, s11
	addi	t6, t6, 4
	csrw	mepc, t6
	mret

/*
 * Page tables, each at a fixed page. Addresses of data, pages 0x80010 to 0x80017 of RAM, have the same numbers at every
 * stage, and eight more follow that are no RAM; where they lead to is different for each stage, and what is allowed too.
 */
#define PAGE		0x80000
#define G_ROOT		0x80004			/* four pages */
#define G_L1		0x80008
#define G_L0		0x80009
#define S_ROOT		0x8000a
#define S_L1		0x8000b
#define S_L0		0x8000c
#define VS_ROOT		0x8000d
#define VS_L1		0x8000e
#define VS_L0		0x8000f
#define DATA		0x80010

#define V		1
#define R		2
#define W		4
#define X		8
#define U		16
#define A		64
#define D		128
#define RW		V | R | W | A | D
#define RO		V | R | A
#define RX		V | R | X | A

	.macro	pte page, flags
	.quad	(\page) << 10 | (\flags)
	.endm
	.macro	table page			# fills up to there
	.org	((\page) - G_ROOT) << 12
	.endm

	.section .tables, "a"
	table	G_ROOT
	pte	0, 0
	pte	0, 0
	pte	G_L1, V
	table	G_L1
	pte	G_L0, V
	table	G_L0				# code and tables as they are
	.set	page, PAGE
	.rept	DATA - PAGE
	pte	page, RX | U
	.set	page, page + 1
	.endr
	pte	DATA + 0, RW | U
	pte	DATA + 2, RW | U
	pte	DATA + 1, RW | U
	pte	DATA + 3, RO | U		# no stores
	pte	0, 0
	pte	DATA + 5, RW | U
	pte	DATA + 4, RW | U
	pte	DATA + 7, RW | U
	pte	DATA + 6, RW | U
	pte	DATA + 6, (RW | U) & ~A
	pte	DATA + 3, RW | U
	pte	DATA + 2, RW | U
	pte	DATA + 8, RW | U		# behind RAM
	pte	DATA + 0, RW | U
	pte	DATA + 1, V | X | A | U		# no loads unless MXR
	pte	DATA + 1, RW			# not a user page: nothing at the G-stage

	table	S_ROOT
	pte	0, 0
	pte	PAGE, RX | U			# the body of U, and data for reading
	pte	S_L1, V
	table	S_L1
	pte	S_L0, V
	table	S_L0
	pte	PAGE + 0, RX
	pte	PAGE + 1, RX
	.org	((S_L0 - G_ROOT) << 12) + 16 * 8
	pte	DATA + 0, RW
	pte	DATA + 1, RW
	pte	DATA + 2, RW | U
	pte	DATA + 3, RW | U
	pte	0, 0
	pte	DATA + 4, RO | U
	pte	DATA + 5, (RW | U) & ~D		# no stores
	pte	DATA + 6, RW
	pte	DATA + 7, V | X | A		# no loads unless MXR
	pte	DATA + 0, RW
	pte	DATA + 1, RO
	pte	DATA + 8, RW			# behind RAM
	pte	DATA + 2, RW
	pte	DATA + 3, (RW | U) & ~A
	pte	DATA + 5, RW | U
	pte	DATA + 6, V | W | A | D		# reserved

	table	VS_ROOT
	pte	0, 0
	pte	PAGE, RX | U
	pte	VS_L1, V
	table	VS_L1
	pte	VS_L0, V
	pte	DATA + 14, V			# a table that may only be executed: MXR is not for reads of tables
	table	VS_L0
	pte	PAGE + 0, RX
	pte	PAGE + 1, RX
	.org	((VS_L0 - G_ROOT) << 12) + 16 * 8
	pte	DATA + 0, RW | U
	pte	DATA + 1, RW | U
	pte	DATA + 5, RW
	pte	DATA + 6, RW
	pte	DATA + 3, RW
	pte	DATA + 4, RW
	pte	DATA + 2, RW | U
	pte	DATA + 4, RW | U
	pte	DATA + 7, RO | U
	pte	DATA + 3, RW | U
	pte	0, 0
	pte	DATA + 8, RW | U
	pte	DATA + 9, RW | U
	pte	DATA + 10, RW
	pte	DATA + 14, RW
	pte	DATA + 13, RW
	table	DATA
