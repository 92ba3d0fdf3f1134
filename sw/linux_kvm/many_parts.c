// SPDX-License-Identifier: Apache-2.0
/* Parts about several vCPUs: harts that start and stop, a copy in another VM, turns, signals, and threads. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/time.h>

#include "lines.h"
#include "process.h"

#define E16_M1_TA_MA	0xc8
#define FIRST_SEED	200			/* of the vCPUs of threads; the next has the next */
#define THREADS		4
#define LOOKS		20000
#define SPINS		50000
#define HOST_PROCESSES	2
#define ROUNDS		25
#define TICK_US		10000

/* A signal every TICK_US, which makes KVM_RUN return. */

static void on_tick(int number)
{
	(void)number;
}

static void ticks(bool on)
{
	struct itimerval timer = {{0, on ? TICK_US : 0}, {0, on ? TICK_US : 0}};
	struct sigaction action = {.sa_handler = on_tick};

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
}

/* Starting and stopping */

static int set_mp_state(struct vcpu *vcpu, unsigned int state)
{
	struct kvm_mp_state mp = {.mp_state = state};

	return ioctl(vcpu->fd, KVM_SET_MP_STATE, &mp) < 0 ? errno : 0;
}

static unsigned int get_mp_state(struct vcpu *vcpu)
{
	struct kvm_mp_state mp = {0};

	if (ioctl(vcpu->fd, KVM_GET_MP_STATE, &mp))
		die("KVM_GET_MP_STATE: %s", strerror(errno));
	return mp.mp_state;
}

static void restart(struct vcpu *boot, struct vcpu *secondary)
{
	int code_boot, code_secondary;

	ticks(true);				/* a stopped vCPU stays in KVM_RUN until a signal comes */
	if (COMMAND(secondary, DRIVER_HART_STOP) != CODE_INTR)
		die("hart_stop returned");
	while (get_mp_state(secondary) != KVM_MP_STATE_STOPPED)	/* the signal came before the guest's call */
		if (start(secondary) != CODE_INTR)
			die("hart_stop returned");
	ticks(false);
	code_boot = COMMAND(boot, DRIVER_HART_START, secondary->id);
	code_secondary = start(secondary);
	row("hart_restart");
	put_str("code_boot", code_name(code_boot));
	put_int("sbi_ret", mail(boot, MAIL_RESULT));
	put_str("code_secondary", code_name(code_secondary));
	end_row();
}

void part_hart_start(void)
{
	struct vm *vm = vm_create();
	struct vcpu *boot = vcpu_create(vm, 0, 0), *secondary = vcpu_create(vm, 1, 1);
	int code, stop, run;

	trace_part("hart_start");
	mp_state(boot);
	mp_state(secondary);
	SET_ALL(secondary, any_seed(), .vl = 5, .vtype = 0xd0, .vcsr = 3, .vstart = 1);
	onereg_state(secondary, "secondary before hart_start");

	start(boot);
	COMMAND(boot, DRIVER_SET_VS, VS_INITIAL);
	load(boot, pattern(any_seed()), &(struct csrs){.vl = 4, .vtype = E16_M1_TA_MA, .vcsr = 2});
	code = COMMAND(boot, DRIVER_HART_START, secondary->id);
	row("hart_start");
	put_str("code", code_name(code));
	put_int("sbi_ret", mail(boot, MAIL_RESULT));
	end_row();

	onereg_state(secondary, "secondary after hart_start, before its first run");
	first_run(secondary, true);
	onereg_state(secondary, "secondary after first run (reset applied)");
	COMMAND(secondary, DRIVER_SET_VS, VS_INITIAL);
	guest_dump(secondary, "secondary: state seen after reset", true);
	onereg_state(boot, "boot vCPU unchanged");

	SET_ALL(secondary, any_seed(), .vl = 3, .vtype = 0xd0);
	stop = set_mp_state(secondary, KVM_MP_STATE_STOPPED);
	run = set_mp_state(secondary, KVM_MP_STATE_RUNNABLE);
	onereg_state(secondary, "secondary after MP_STATE STOPPED, RUNNABLE");
	guest_dump(secondary, "secondary continues", true);
	row("mp_set");
	put_int("err_stop", stop);
	put_int("err_run", run);
	end_row();

	load(secondary, pattern(any_seed()), &(struct csrs){.vstart = 2, .vl = 4, .vtype = E16_M1_TA_MA, .vcsr = 5});
	onereg_state(secondary, "secondary before hart_stop");
	restart(boot, secondary);
	onereg_state(secondary, "secondary after hart_stop, hart_start");
	onereg_state(boot, "boot vCPU still unchanged");
	row("mp_init_received");
	put_errno(set_mp_state(secondary, KVM_MP_STATE_INIT_RECEIVED));
	end_row();
}

/* A reset that user space asks for */

static void init_received(struct vcpu *vcpu)
{
	row("mp_init_received");
	put_int("vcpu", vcpu->number);
	put_errno(set_mp_state(vcpu, KVM_MP_STATE_INIT_RECEIVED));
	end_row();
}

void part_mp_reset(void)
{
	struct vcpu *vcpu = new_vcpu(0);
	struct kvm_enable_cap cap = {.cap = KVM_CAP_RISCV_MP_STATE_RESET};
	uint64_t v = ISA_ID(KVM_RISCV_ISA_EXT_V);

	trace_part("mp_reset");
	init_received(vcpu);
	row("mp_reset_enable");
	put_errno(ioctl(vcpu->vm->fd, KVM_ENABLE_CAP, &cap) < 0 ? errno : 0);
	end_row();
	SET_ALL(vcpu, any_seed(), .vl = 5, .vtype = 0xd0, .vcsr = 3, .vstart = 1);
	one_reg_set64(vcpu, v, 0, "V=0");
	init_received(vcpu);
	one_reg_set64(vcpu, v, 1, "V=1");
	onereg_state(vcpu, "after a reset without V");
	SET_ALL(vcpu, any_seed(), .vl = 4, .vtype = 0xc9, .vcsr = 5, .vstart = 2);
	init_received(vcpu);
	onereg_state(vcpu, "after a reset with V");
}

/* Copying */

void part_migrate(void)
{
	struct vcpu *source = ready_vcpu(0), *target;
	struct kvm_reg_list *list;
	int ok = 0, bad = 0, error;

	trace_part("migrate");
	load(source, pattern(any_seed()), &(struct csrs){.vstart = 4, .vl = 7, .vtype = 0xc9, .vcsr = 5});
	onereg_state(source, "source");
	list = reg_list(source, 0, &error);
	list = reg_list(source, list->n, &error);
	target = new_vcpu(0);
	for (uint64_t i = 0; i < list->n; i++) {
		uint8_t value[MAX_VLENB * 2];
		int got = one_reg(source, false, list->reg[i], value);
		int put = got ? 0 : one_reg(target, true, list->reg[i], value);

		ok += !got && !put;
		if (!got && !put)
			continue;
		bad++;
		row("copy_fail");
		put_hex("id", list->reg[i]);
		put_str("get", errno_name(got));
		put_str("set", errno_name(put));
		end_row();
	}
	onereg_state(target, "destination before run");
	row("copied");
	put_int("ok", ok);
	put_int("bad", bad);
	put_hex("pc_src", get_pc(source));
	put_hex("pc_dst", get_pc(target));
	end_row();
	start(target);				/* it makes the source's last call again */
	guest_dump(target, "destination guest sees", true);
}

/* Several at once */

static struct csrs csrs_of(int n, uint64_t vstart)
{
	return (struct csrs){.vstart = vstart, .vl = n + 2, .vtype = E16_M1_TA_MA, .vcsr = n};
}

void part_round_robin(void)
{
	struct vcpu *vcpus[THREADS];
	int runs = 0, bad = 0;

	trace_part("round_robin");
	for (int n = 0; n < THREADS; n++) {
		struct csrs csrs = csrs_of(n, n);

		vcpus[n] = ready_vcpu(n);
		load(vcpus[n], pattern(FIRST_SEED + n), &csrs);
	}
	for (int turn = 0; turn < ROUNDS; turn++)
		for (int n = 0; n < THREADS; n++) {
			run_on(turn % cpus, true);
			COMMAND(vcpus[n], DRIVER_NOP);
			run_on((turn + 1) % cpus, true);
			COMMAND(vcpus[n], DRIVER_DUMP);
			bad += mail(vcpus[n], MAIL_VL) != n + 2UL || mail(vcpus[n], MAIL_VTYPE) != E16_M1_TA_MA ||
			       mail(vcpus[n], MAIL_VCSR) != (uint64_t)n || mail(vcpus[n], MAIL_VSTART) != (uint64_t)n;
			bad += !!memcmp(buffer(vcpus[n]), pattern(FIRST_SEED + n), vsize);
			runs += 2;
		}
	run_on(QUIET_CPU, true);
	row("round_robin");
	put_int("vcpus", THREADS);
	put_int("rounds", ROUNDS);
	put_int("runs", runs);
	put_int("bad", bad);
	end_row();
	for (int n = 0; n < THREADS; n++)
		onereg_state(vcpus[n], "final");
}

void part_signal(void)
{
	struct vcpu *vcpu = ready_vcpu(0);
	struct csrs csrs = {.vl = 5, .vtype = E16_M1_TA_MA, .vcsr = 3};
	uint8_t vregs[MAX_VSIZE];
	int stops = 0, bad = 0, csr_bad = 0, code;

	trace_part("signal");
	load(vcpu, pattern(FIRST_SEED), &csrs);
	ticks(true);
	code = COMMAND(vcpu, DRIVER_WATCH, LOOKS);
	while (code == CODE_INTR) {
		struct csrs found = get_csrs(vcpu);

		stops++;
		get_vregs(vcpu, vregs);
		bad += !!memcmp(vregs, pattern(FIRST_SEED), vsize);
		csr_bad += found.vl != csrs.vl || found.vtype != csrs.vtype || found.vcsr != csrs.vcsr;
		code = start(vcpu);
	}
	ticks(false);
	row("signal");
	put_int("eintr", stops);
	put_int("onereg_bad", bad);
	put_int("csr_bad", csr_bad);
	put_int("guest_mismatch", mail(vcpu, MAIL_LEFT));
	put_int("guest_csr_mismatch", mail(vcpu, MAIL_CSR_CHANGES));
	put_int("exit_reason", vcpu->run->exit_reason);
	end_row();
}

struct thread {
	pthread_t id;
	struct vcpu *vcpu;
	long preempted;
	int code;
};

static void *thread_main(void *argument)
{
	struct thread *thread = argument;
	struct rusage before, after;

	run_on(thread->vcpu->number % cpus, false);
	getrusage(RUSAGE_THREAD, &before);
	thread->code = COMMAND(thread->vcpu, DRIVER_WATCH, LOOKS);
	getrusage(RUSAGE_THREAD, &after);
	thread->preempted = after.ru_nivcsw - before.ru_nivcsw;
	return NULL;
}

void part_threads(void)
{
	struct thread threads[THREADS];
	struct process processes[HOST_PROCESSES];
	long status[HOST_PROCESSES];

	trace_part("threads");
	for (int n = 0; n < THREADS; n++) {
		struct csrs csrs = csrs_of(n, 0);

		threads[n].vcpu = ready_vcpu(n);
		load(threads[n].vcpu, pattern(FIRST_SEED + n), &csrs);
	}
	for (int p = 0; p < HOST_PROCESSES; p++)
		processes[p] = process_start(p % cpus, 100 + p, p, SPINS, NULL);
	for (int n = 0; n < THREADS; n++)
		if (pthread_create(&threads[n].id, NULL, thread_main, &threads[n]))
			die("cannot create a thread");
	for (int n = 0; n < THREADS; n++)
		pthread_join(threads[n].id, NULL);
	for (int p = 0; p < HOST_PROCESSES; p++)
		status[p] = process_end(&processes[p]);
	for (int n = 0; n < THREADS; n++) {
		struct vcpu *vcpu = threads[n].vcpu;

		row("thread_check");
		put_int("preempted", threads[n].preempted);
		put_int("vcpu", n);
		put_str("code", code_name(threads[n].code));
		put_int("iters", LOOKS);
		put_int("mismatch_words", mail(vcpu, MAIL_LEFT));
		put_int("csr_mismatch", mail(vcpu, MAIL_CSR_CHANGES));
		put_int("kvm_runs", vcpu->runs);
		end_row();
	}
	for (int p = 0; p < HOST_PROCESSES; p++)
		host_spin(&processes[p], p);
	row("threads");
	put_int("vcpus", THREADS);
	put_int("host_procs", HOST_PROCESSES);
	put_list("status", status, HOST_PROCESSES);
	end_row();
	for (int n = 0; n < THREADS; n++) {
		struct csrs csrs = get_csrs(threads[n].vcpu);

		row("thread_final");
		put_int("vcpu", n);
		put_int("vl", csrs.vl);
		put_hex("vtype", csrs.vtype);
		put_int("vcsr", csrs.vcsr);
		end_row();
	}
}
