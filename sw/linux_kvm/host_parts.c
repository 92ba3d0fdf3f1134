// SPDX-License-Identifier: Apache-2.0
/* Parts about host processes that use the vector unit themselves. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host.h"
#include "lines.h"
#include "process.h"

#define CALLER_SEED	77			/* of host_call */
#define WATCHED_SEED	230			/* of the process that shares a CPU with a watching guest */
#define WATCH_LOOKS	40000
#define WARNING		4			/* of the levels of the kernel's log */

void run_on(int cpu, bool first)
{
	struct sched_param param = {.sched_priority = first ? 10 : 0};
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set) ||
	    syscall(SYS_sched_setscheduler, 0, first ? SCHED_FIFO : SCHED_OTHER, &param))
		die("cannot run on CPU %d: %s", cpu, strerror(errno));
}

/* System calls with registers in use */

long host_call(long number, long a0, long a1, long a2)
{
	uint8_t found[MAX_VSIZE];
	struct host_state state;
	long result = host_load_call_store(pattern(CALLER_SEED), 0, found, &state, (const long[5]){number, a0, a1, a2});

	if (result < 0) {
		errno = -result;
		return -1;
	}
	return result;
}

static void host_syscall(struct vcpu *vcpu, const char *what, const long call[5])
{
	uint8_t in[MAX_VSIZE], out[MAX_VSIZE], guest[MAX_VSIZE];
	struct host_state found;
	bool ones = true, leak = false;
	long result;

	memcpy(in, pattern(8), vsize);
	result = host_load_call_store(in, 6, out, &found, call);
	get_vregs(vcpu, guest);
	for (size_t at = 0; at < vsize; at++)
		ones &= out[at] == 0xff;
	for (size_t at = 0; at < vsize; at += 8)
		leak |= !memcmp(out + at, guest + at, 8);
	row("host_syscall");
	put_str("what", what);
	put_int("rc", result);
	put_int("same", !memcmp(in, out, vsize));
	put_int("all_ones", ones);
	put_int("guest_leak", leak);
	put_int("vl", found.vl);
	put_hex("vtype", found.vtype);
	put_int("vcsr", found.vcsr);
	put_int("vstart", found.vstart);
	put_bytes("v0", out, vlenb);
	end_row();
}

void part_host(void)
{
	struct vcpu *vcpu = ready_vcpu(0);
	uint8_t v0[MAX_VLENB];
	struct kvm_one_reg reg = {.id = vreg_id(0), .addr = (uintptr_t)v0};
	const long run[5] = {SYS_ioctl, vcpu->fd, KVM_RUN};

	trace_part("host");
	SET_ALL(vcpu, any_seed(), .vl = 2, .vtype = 0xd0, .vcsr = 1, .vstart = 1);
	host_syscall(vcpu, "getpid (baseline, no KVM)", (const long[5]){SYS_getpid});
	prepare(vcpu, DRIVER_NOP, (const uint64_t[4]){0});
	host_syscall(vcpu, "KVM_RUN, guest spins", run);
	memcpy(buffer(vcpu), pattern(9), vsize);
	prepare(vcpu, DRIVER_LOAD, (const uint64_t[4]){2, 0xd0, 1, 1});
	host_syscall(vcpu, "KVM_RUN, guest loads its own registers", run);
	host_syscall(vcpu, "KVM_GET_ONE_REG", (const long[5]){SYS_ioctl, vcpu->fd, KVM_GET_ONE_REG, (long)&reg});
}

/* Processes that spin on their registers */

struct process process_start(int cpu, unsigned int seed, uint64_t vcsr, unsigned long looks,
			     const volatile uint64_t *wait_for_zero)
{
	struct process process;

	process.shared = mmap(NULL, sizeof(*process.shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (process.shared == MAP_FAILED)
		die("no memory to share: %s", strerror(errno));
	process.pid = fork();
	if (process.pid < 0)
		die("cannot fork: %s", strerror(errno));
	if (!process.pid) {
		struct process_shared *shared = process.shared;
		const uint8_t *in = pattern(seed);
		uint8_t out[MAX_VSIZE];

		run_on(cpu, false);
		while (wait_for_zero && *wait_for_zero)
			;
		host_load(in, vcsr);
		do {
			host_store(out);
			shared->mismatches += !!memcmp(in, out, vsize) || host_vcsr() != vcsr;
			shared->looks++;
		} while (shared->looks < looks && !shared->stop);
		_exit(shared->mismatches != 0);
	}
	return process;
}

int process_end(struct process *process)
{
	int status;

	if (waitpid(process->pid, &status, 0) != process->pid)
		die("waitpid: %s", strerror(errno));
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void host_spin(const struct process *process, int number)
{
	row("host_spin");
	if (number >= 0)
		put_int("proc", number);
	put_int("iters", process->shared->looks);
	put_int("mismatch", process->shared->mismatches);
	end_row();
}

/* A guest that looks at its registers while it shares the CPU with such a process */

static int equal(const uint8_t *a, const uint8_t *b)
{
	int count = 0;

	for (size_t at = 0; at < vsize; at += vlenb)
		count += !memcmp(a + at, b + at, vlenb);
	return count;
}

/* The kernel's log from now on; kernel_warnings tells how many warnings it then has that name KVM. */
static int log_open(void)
{
	int file = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (file < 0 || lseek(file, 0, SEEK_END) < 0)
		die("cannot read /dev/kmsg: %s", strerror(errno));
	return file;
}

static void kernel_warnings(int file)
{
	char message[2048];
	ssize_t size;
	int count = 0;

	while ((size = read(file, message, sizeof(message) - 1)) > 0) {
		message[size] = 0;
		count += message[0] - '0' <= WARNING && message[1] == ',' && strstr(message, "kvm");
	}
	close(file);
	row("kernel_warnings");
	put_int("count", count);
	end_row();
}

static void watch(struct vcpu *vcpu, bool v_disabled)
{
	uint64_t *looked_once = (uint64_t *)(vcpu->mail + MAIL_CSR_CHANGES);
	const uint8_t *found = vcpu->mail + MAIL_SECOND;
	uint8_t own[MAX_VSIZE];
	struct process process;
	int code, status;

	if (v_disabled)
		memcpy(own, buffer(vcpu), vsize);
	else
		get_vregs(vcpu, own);
	*looked_once = ~0UL;			/* the guest clears it when it has looked for the first time */
	run_on(QUIET_CPU, false);
	process = process_start(QUIET_CPU, WATCHED_SEED, 0, ~0UL, looked_once);
	vcpu->from_vector_code = v_disabled;	/* so that it finds nothing of an earlier process's */
	code = COMMAND(vcpu, DRIVER_WATCH, WATCH_LOOKS);
	process.shared->stop = true;
	status = process_end(&process);
	run_on(QUIET_CPU, true);
	row("watch");
	put_int("v_disabled", v_disabled);
	put_str("code", code_name(code));
	put_int("changed", mail(vcpu, MAIL_LEFT) != 0);
	put_int("iters_left", mail(vcpu, MAIL_LEFT));
	put_int("regs_equal_host_process", equal(found, pattern(WATCHED_SEED)));
	put_int("regs_equal_own", equal(found, own));
	put_bytes("v0", found, vlenb);
	end_row();
	host_spin(&process, -1);
	row("host_proc");
	put_int("status", status);
	end_row();
}

void part_watch_v_enabled(void)
{
	struct vcpu *vcpu = ready_vcpu(0);

	trace_part("watch_v_enabled");
	SET_ALL(vcpu, any_seed(), .vl = 3, .vtype = 0xd0);
	watch(vcpu, false);
}

void part_watch_v_disabled(void)
{
	struct vcpu *vcpu = new_vcpu(0);
	int log = log_open();

	trace_part("watch_v_disabled");
	one_reg_set64(vcpu, ISA_ID(KVM_RISCV_ISA_EXT_V), 0, "V=0");
	start(vcpu);
	COMMAND(vcpu, DRIVER_SET_VS, VS_INITIAL);
	watch(vcpu, true);
	kernel_warnings(log);		/* of the state that the guest dirtied without having it */
}
