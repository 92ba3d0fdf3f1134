// SPDX-License-Identifier: Apache-2.0
/* Lines that several parts have, and the parts. */
#ifndef VCTX_LINES_H
#define VCTX_LINES_H

#include "trace.h"
#include "vm.h"

/* Sets all vector registers of a vCPU by one-reg. */
void set_all(struct vcpu *vcpu, unsigned int seed, const struct csrs *csrs);
#define SET_ALL(vcpu, seed, ...) set_all(vcpu, seed, &(struct csrs){__VA_ARGS__})

/* All vector registers of a vCPU, read by one-reg. */
void onereg_state(struct vcpu *vcpu, const char *note);

/* vstart, vl, vtype and vcsr, as fields of the line that is open */
void put_csrs(const struct csrs *csrs);

/* The guest reads its CSRs, and with `all` its registers too; guest_dump_of is the line about a dump already done. */
void guest_dump(struct vcpu *vcpu, const char *note, bool all);
void guest_dump_of(struct vcpu *vcpu, const char *note, bool all, int code);

void guest_result(struct vcpu *vcpu, const char *note, int code);
void first_run(struct vcpu *vcpu, bool numbered);
void one_reg_get(struct vcpu *vcpu, uint64_t id, size_t size, const char *note);
void one_reg_set(struct vcpu *vcpu, uint64_t id, const void *data, size_t size, const char *note);
void one_reg_set64(struct vcpu *vcpu, uint64_t id, uint64_t value, const char *note);
void reg_list_line(struct vcpu *vcpu, const char *note);
void reg_lines(struct vcpu *vcpu);

/* A seed for pattern(), from the run's seed. */
unsigned int any_seed(void);

/* config.isa and the V extension */
void isa_bits(struct vcpu *vcpu);

/* A part has a machine of its own: it makes what it needs. */
void part_onereg(void);
void part_isa_v(void);
void part_host_without_v(void);
void part_v_disabled_guest(void);
void part_guest(void);
void part_csr_only(void);
void part_vs_fields(void);
void part_host(void);
void part_hart_start(void);
void part_migrate(void);
void part_round_robin(void);
void part_signal(void);
void part_threads(void);
void part_watch_v_enabled(void);
void part_watch_v_disabled(void);
void part_csr_ids(void);
void part_mp_reset(void);
void part_first_use(void);
void part_prctl(void);
void part_soft_timer(void);			/* these with the module */
void part_sections(void);
void part_schedule(void);
void part_look(void);
void part_random(void);
void random_steps(uint64_t seed, unsigned int steps);	/* what part_random does */

/* The program, executed again by part_prctl with this as its first argument */
#define DENIED		"denied"
int denied_main(char **arguments);

void module_open(void);

void mp_state(struct vcpu *vcpu);

/* Where the process runs: one CPU, and there before everything else (`first`) or sharing it. */
void run_on(int cpu, bool first);
extern int cpus;			/* of the machine */
#define QUIET_CPU	(cpus > 1)	/* isolcpus=1 */

#endif
