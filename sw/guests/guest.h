// SPDX-License-Identifier: Apache-2.0
/*
 * What a guest and its hypervisor agree on. A guest defines `int guest_main(round, owner)`, which does one round of
 * self-checking work and returns 0 or a failure code; start.S calls it for ever and reports each round.
 */
#ifndef VCTX_GUEST_H
#define VCTX_GUEST_H

/* SBI extension ids (a7). YIELD is handled in the kernel, the others exit to user space. */
#define SBI_PUTCHAR	0x01		/* legacy console */
#define SBI_YIELD	0x10		/* base extension: a cheap call that does nothing */
#define SBI_REPORT	0x08000001	/* experimental space: a0 = 0 or failure code, a1 = round or detail */

/* Failure codes of start.S: a trap that the guest did not expect */
#define FAIL_TRAP	0x100		/* + scause */

#define SR_VS		0x600
#define SR_VS_INITIAL	0x200
#define SR_VS_CLEAN	0x400

#ifdef __ASSEMBLER__

	.macro	sbi function
	li	a7, \function
	ecall
	.endm

	/* Leaves guest_main with a failure code in a0 unless \a == \b; \done is its exit label. */
	.macro	check_equal a, b, code, done
	li	a0, \code
	bne	\a, \b, \done
	.endm

	/* The trap handler of a guest that tries what is illegal: counts and skips that, and reports everything else. */
	.macro	count_illegal counter
	.globl	trap_entry
	.balign	4
trap_entry:
	csrr	t0, scause
	li	t1, 2
	bne	t0, t1, 1f
	csrr	t0, sepc
	addi	t0, t0, 4
	csrw	sepc, t0
	addi	\counter, \counter, 1
	sret
1:	addi	a0, t0, FAIL_TRAP
	csrr	a1, sepc
	sbi	SBI_REPORT
	j	1b
	.endm

#else

#include <stddef.h>
#include <stdint.h>

/* An exit that the kernel handles; the C code around it relies on every vector register surviving it. */
static inline void yield(void)
{
	register long a7 __asm__("a7") = SBI_YIELD;
	register long a0 __asm__("a0");
	register long a1 __asm__("a1");
	__asm__ volatile("ecall" : "=r"(a0), "=r"(a1) : "r"(a7) : "memory");
}

static inline void putchar_sbi(long c)
{
	register long a7 __asm__("a7") = SBI_PUTCHAR;
	register long a0 __asm__("a0") = c;
	register long a1 __asm__("a1");
	__asm__ volatile("ecall" : "+r"(a0), "=r"(a1) : "r"(a7) : "memory");
}

/* Pseudo-random bytes; the serial dependence keeps the compiler from vectorising what it feeds. */
static inline uint32_t next_random(uint32_t *state)
{
	uint32_t x = *state;

	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	return *state = x;
}

static inline uint32_t seed_of(unsigned long round, unsigned long owner)
{
	return (uint32_t)(round * 0x9e3779b9u + owner * 0x85ebca6bu) | 1;
}

/* Loops that check are scalar, so that they share nothing with what they check. */
#define SCALAR_LOOP _Pragma("clang loop vectorize(disable) unroll(disable)")

#endif
#endif
