// SPDX-License-Identifier: Apache-2.0
/* The vector unit of this process itself, and what vector.S and image.S bring. */
#ifndef VCTX_HOST_H
#define VCTX_HOST_H

#include <stdint.h>
#include <sys/syscall.h>

struct host_state {
	uint64_t vl, vtype, vcsr, vstart;
};

/* vector.S */
void host_load(const void *vregs, uint64_t vcsr);	/* v0..v31, e16,m1 with vl 5, vcsr */
void host_store(void *vregs);				/* v0..v31 */
void host_first(struct host_state *found, void *vregs);	/* CSRs and v0..v31, without loading anything before */
uint64_t host_vlenb(void);
uint64_t host_vcsr(void);

/* Loads v0..v31 and vcsr, makes a system call, and stores what it finds then; returns what the kernel did. */
long host_load_call_store(const void *in, uint64_t vcsr, void *out, struct host_state *found, const long call[5]);

/* The words of instructions that guests are made to execute. */
extern const uint32_t word_nop, word_vadd, word_vid, word_vmv1r, word_csrw_vl, word_csrr_vstart, word_csrwi_vcsr_6;

/* image.S: the driver guest, from GUEST_BASE on */
extern const uint8_t guest_image[], guest_image_end[];

/* host_parts.c: the system call with vector registers in use, as errno has it */
long host_call(long number, long a0, long a1, long a2);

#endif
