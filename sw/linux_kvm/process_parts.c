// SPDX-License-Identifier: Apache-2.0
/* Parts about a process and its right to the vector unit: its first use of it, and what prctl denies. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/prctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host.h"
#include "lines.h"

#define STALE		16			/* vCPUs whose memory goes back to the kernel with something in it */
#define NEXT(control)	((control) << 2)	/* from the next execve on */

static pid_t forked(void)
{
	pid_t pid = fork();

	if (pid < 0)
		die("cannot fork: %s", strerror(errno));
	return pid;
}

static int ended(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid)
		die("waitpid: %s", strerror(errno));
	return status;
}

struct first {
	struct host_state state;
	uint8_t vregs[MAX_VSIZE];
};

void part_first_use(void)
{
	struct first *first = mmap(NULL, sizeof(*first), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid;
	int status;

	trace_part("first_use");
	if (first == MAP_FAILED)
		die("no memory to share: %s", strerror(errno));
	pid = forked();
	if (!pid) {				/* a new process has no vector state, whatever its parent had */
		host_first(&first->state, first->vregs);
		_exit(0);
	}
	status = ended(pid);
	row("first_use");
	put_int("signal", WIFSIGNALED(status) ? WTERMSIG(status) : 0);
	if (!WIFSIGNALED(status)) {
		put_int("vl", first->state.vl);
		put_hex("vtype", first->state.vtype);
		put_int("vcsr", first->state.vcsr);
		put_int("vstart", first->state.vstart);
		put_fnv("fnv", first->vregs, vsize);
		put_bytes("v0", first->vregs, vlenb);
	}
	end_row();
}

/* Vector state that prctl denies */

static void leave_stale_memory(void)
{
	struct vcpu *vcpus[STALE];

	for (int n = 0; n < STALE; n++) {
		vcpus[n] = new_vcpu(n);
		if (set_state(vcpus[n], pattern(n + 1), &(struct csrs){0}))
			die("cannot set the state of a new vCPU");
	}
	for (int n = 0; n < STALE; n++)
		vcpu_close(vcpus[n]);
}

void part_prctl(void)
{
	char trace[16], size[16];
	pid_t pid;
	int status;

	trace_part("prctl");
	leave_stale_memory();
	snprintf(trace, sizeof(trace), "%d", trace_inherited());
	snprintf(size, sizeof(size), "%zu", vlenb);
	pid = forked();
	if (!pid) {
		if (syscall(SYS_prctl, PR_RISCV_V_SET_CONTROL, NEXT(PR_RISCV_V_VSTATE_CTRL_OFF)))
			die("PR_RISCV_V_SET_CONTROL: %s", strerror(errno));
		execl("/init", "init", DENIED, trace, size, NULL);
		die("cannot execute /init: %s", strerror(errno));
	}
	status = ended(pid);
	if (status)
		die("the process without vectors ended with status %#x", status);
}

static void allowed(bool now)
{
	row("prctl");
	put_int("allowed", now);
	put_errno(now && syscall(SYS_prctl, PR_RISCV_V_SET_CONTROL, PR_RISCV_V_VSTATE_CTRL_ON) ? errno : 0);
	end_row();
}

/* What the other vCPUs hold once they are given V, without anybody having written it */
static void never_written(struct vcpu **vcpus)
{
	uint8_t vregs[MAX_VSIZE];
	bool zero = true;

	for (int n = 0; n < STALE; n++) {
		if (set(vcpus[n], ISA_ID(KVM_RISCV_ISA_EXT_V), 1))
			die("cannot give a vCPU V");
		get_vregs(vcpus[n], vregs);
		for (size_t at = 0; at < vsize; at++)
			zero &= !vregs[at];
	}
	row("never_written");
	put_int("vcpus", STALE);
	put_int("zero", zero);
	end_row();
}

int denied_main(char **arguments)
{
	struct vcpu *vcpu, *others[STALE];
	uint64_t v = ISA_ID(KVM_RISCV_ISA_EXT_V), isa;

	trace_inherit(atoi(arguments[0]));
	trace_part("prctl");
	vlenb = atoi(arguments[1]);
	vsize = VREGS * vlenb;
	kvm_open();
	part_can_end = true;
	if (setjmp(part_end))
		return 0;
	allowed(false);
	vcpu = new_vcpu(0);
	for (int n = 0; n < STALE; n++)
		others[n] = new_vcpu(n + 1);
	one_reg_get(vcpu, v, 8, "V of a process without it");
	one_reg_set64(vcpu, v, 1, "V=1");
	isa = get(vcpu, CONFIG_ISA);
	one_reg_set64(vcpu, CONFIG_ISA, isa | 1UL << ('v' - 'a'), "config.isa with v");
	isa_bits(vcpu);
	reg_list_line(vcpu, "V denied");
	allowed(true);
	one_reg_set64(vcpu, v, 1, "V=1");
	isa_bits(vcpu);
	never_written(others);
	first_run(vcpu, false);
	guest_result(vcpu, "sstatus.VS=1", COMMAND(vcpu, DRIVER_SET_VS, VS_INITIAL));
	guest_result(vcpu, "vector csr read", execute(vcpu, word_csrr_vstart, word_nop));
	return 0;
}
