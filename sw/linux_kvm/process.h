// SPDX-License-Identifier: Apache-2.0
/* A process that loads its vector registers, and looks again and again whether they still are what it loaded. */
#ifndef VCTX_PROCESS_H
#define VCTX_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct process_shared {
	volatile bool stop;
	volatile unsigned long looks, mismatches;
};

struct process {
	pid_t pid;
	struct process_shared *shared;
};

/* Starts it on `cpu`; it loads its registers when `wait_for_zero`, unless NULL, has become 0. */
struct process process_start(int cpu, unsigned int seed, uint64_t vcsr, unsigned long looks,
			     const volatile uint64_t *wait_for_zero);
int process_end(struct process *process);	/* waits for it; 1 if its registers ever changed */
void host_spin(const struct process *process, int number);	/* a line; no number if negative */

#endif
