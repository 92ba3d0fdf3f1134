// SPDX-License-Identifier: Apache-2.0
/* Parts with the module of sw/linux_module: kernel-mode vector code under KVM's feet, and what the hart then holds. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../linux_module/kvec.h"
#include "host.h"
#include "lines.h"
#include "process.h"

#define E16_M1_TA_MA	0xc8
#define PAGE		4096UL
#define PERIOD_US	1500
#define SPIN_US		15000
#define LOOKS		5000
#define TRIES		8
#define PAGES		12			/* sections of each line */
#define SCHEDULING_PAGES 4
#define GUEST_SEED	33
#define OTHER_SEED	92
#define POKED_SEED	61
#define TOUCHED		0x10000000UL		/* guest-physical address of the module's memory */
#define VL		5
#define VCSR		3

static int module = -1;

static struct vcpu *guest(void)
{
	struct vcpu *vcpu = ready_vcpu(0);

	load(vcpu, pattern(GUEST_SEED), &(struct csrs){.vl = VL, .vtype = E16_M1_TA_MA, .vcsr = VCSR});
	return vcpu;
}

static long call(unsigned long number, const void *argument)
{
	long result = ioctl(module, number, argument);

	if (result < 0)
		die("call %#lx of the module: %s", number, strerror(errno));
	return result;
}

static void section(unsigned int does)
{
	const struct kvec_section section = {.does = does, .spin_us = SPIN_US};

	call(KVEC_SECTION, &section);
}

static struct kvec_counters counters(void)
{
	struct kvec_counters counters = {0};

	call(KVEC_COUNTERS, &counters);
	return counters;
}

static int equal(const uint8_t *a, const uint8_t *b)
{
	int count = 0;

	for (size_t at = 0; at < vsize; at += vlenb)
		count += !memcmp(a + at, b + at, vlenb);
	return count;
}

void module_open(void)
{
	module = open("/dev/kvec", O_RDWR | O_CLOEXEC);
	if (module < 0)
		die("cannot open /dev/kvec: %s", strerror(errno));
}

/* A guest looks at its registers while a soft timer's handler uses vectors. */
void part_soft_timer(void)
{
	struct vcpu *vcpu = guest();
	struct kvec_counters before = counters(), after;
	const uint8_t *found = vcpu->mail + MAIL_SECOND;
	int code = 0;

	trace_part("soft_timer");
	COMMAND(vcpu, DRIVER_WATCH, 1);		/* maps what it writes: a fault may put and load the vCPU, which heals it */
	call(KVEC_TIMER, (void *)PERIOD_US);
	for (int n = 0; n < TRIES; n++) {	/* a vCPU that is put and loaded in the middle has its own again */
		code = COMMAND(vcpu, DRIVER_WATCH, LOOKS);
		if (equal(found, pattern(GUEST_SEED)) != VREGS)
			break;
	}
	call(KVEC_TIMER, (void *)0);
	after = counters();
	row("soft_timer");
	put_int("ran", after.soft_runs != before.soft_runs);
	put_int("refused", after.soft_refused - before.soft_refused);
	put_str("code", code_name(code));
	put_int("vl", mail(vcpu, MAIL_VL));
	put_hex("vtype", mail(vcpu, MAIL_VTYPE));
	put_int("vcsr", mail(vcpu, MAIL_VCSR));
	put_int("own", equal(found, pattern(GUEST_SEED)));
	put_fnv("fnv", found, vsize);
	end_row();
}

/* Sections in page-fault handlers */

struct touched {
	uint8_t *memory;
	size_t page;				/* the next that nobody has touched */
};

static struct touched touchable(void)
{
	struct touched touched = {mmap(NULL, 64 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, module, 0), 0};

	if (touched.memory == MAP_FAILED)
		die("cannot map the module's memory: %s", strerror(errno));
	return touched;
}

/* The guest stores to pages that are mapped when it does. */
static void guest_faults(struct vcpu *vcpu, struct touched *touched, int pages)
{
	for (int n = 0; n < pages; n++) {
		uint64_t address = TOUCHED + touched->page++ * PAGE;

		/* lui t0, address; sd zero, (t0) */
		if (execute(vcpu, address | 0x2b7, 0x0002b023) != DRIVER_DONE)
			die("the guest cannot store to %#lx", address);
	}
}

static void process_faults(struct touched *touched, int pages)
{
	for (int n = 0; n < pages; n++)
		((volatile uint8_t *)touched->memory)[touched->page++ * PAGE] = 1;
}

/* Another process on the CPU, which uses its vector registers and does not leave by itself */
static struct process busy_start(bool busy)
{
	struct process process = {0};

	run_on(QUIET_CPU, false);
	if (busy)
		process = process_start(QUIET_CPU, OTHER_SEED, 2, ~0UL, NULL);
	while (busy && !process.shared->looks)
		sched_yield();
	return process;
}

static void busy_end(struct process *process)
{
	if (process->shared) {
		process->shared->stop = true;
		process_end(process);
	}
	run_on(QUIET_CPU, true);
}

static void fault_line(struct vcpu *vcpu, struct touched *touched, bool busy)
{
	struct process other = busy_start(busy);
	struct kvec_counters before = counters(), after;
	struct csrs csrs;
	uint8_t found[MAX_VSIZE];

	if (vcpu)
		guest_faults(vcpu, touched, PAGES);
	else
		process_faults(touched, PAGES);
	after = counters();
	busy_end(&other);
	row(vcpu ? "kvec_fault" : "kvec_user_fault");
	put_int("busy", busy);
	if (vcpu)
		put_int("pages", PAGES);
	put_int("sections", after.fault_runs - before.fault_runs);
	put_int("switched", after.fault_switches - before.fault_switches);
	put_int("kernel_bad", after.fault_bad - before.fault_bad);
	if (vcpu) {
		get_vregs(vcpu, found);
		csrs = get_csrs(vcpu);
		put_int("guest_onereg_bad", VREGS - equal(found, pattern(GUEST_SEED)));
		put_int("guest_csr_bad", (csrs.vl != VL) + (csrs.vtype != E16_M1_TA_MA) + (csrs.vcsr != VCSR));
		COMMAND(vcpu, DRIVER_DUMP);
		put_int("guest_seen_bad", VREGS - equal(buffer(vcpu), pattern(GUEST_SEED)));
	}
	end_row();
}

static void give(struct vcpu *vcpu, struct touched *touched)
{
	struct kvm_userspace_memory_region slot = {
		.slot = 1, .guest_phys_addr = TOUCHED, .memory_size = 64 * PAGE,
		.userspace_addr = (uintptr_t)touched->memory,
	};

	if (ioctl(vcpu->vm->fd, KVM_SET_USER_MEMORY_REGION, &slot) < 0)
		die("KVM_SET_USER_MEMORY_REGION: %s", strerror(errno));
}

void part_sections(void)
{
	struct vcpu *vcpu = guest();
	struct touched guests = touchable(), own = touchable();
	uint8_t vregs[MAX_VSIZE];

	trace_part("sections");
	get_vregs(vcpu, vregs);
	row("section_guest");
	put_int("preemptible", call(KVEC_PREEMPTIBLE, NULL));
	put_bytes("v0", vregs, vlenb);
	end_row();
	give(vcpu, &guests);
	section(KVEC_SECTION_SPIN);
	for (int busy = 0; busy < 2; busy++)
		fault_line(vcpu, &guests, busy);
	for (int busy = 0; busy < 2; busy++)
		fault_line(NULL, &own, busy);
}

/* Sections that call the scheduler: whether the unit is on behind it, where a vCPU is loaded and where none is. */
static void schedule_line(struct vcpu *vcpu, struct touched *touched)
{
	struct kvec_counters before = counters(), after;

	if (vcpu)
		guest_faults(vcpu, touched, SCHEDULING_PAGES);
	else
		process_faults(touched, SCHEDULING_PAGES);
	after = counters();
	row("section_schedule");
	put_int("vcpu_loaded", vcpu != NULL);
	put_int("sections", after.schedule_runs - before.schedule_runs);
	put_int("unit_on", after.schedule_on - before.schedule_on);
	end_row();
}

void part_schedule(void)
{
	struct vcpu *vcpu = guest();
	struct touched guests = touchable(), own = touchable();

	trace_part("schedule");
	give(vcpu, &guests);
	section(KVEC_SECTION_SCHEDULE);
	schedule_line(vcpu, &guests);
	schedule_line(NULL, &own);
	section(KVEC_SECTION_SPIN);
}

/* What the hart holds */

static void look_csrs(void)
{
	struct kvec_look look = {0};

	call(KVEC_LOOK, &look);
	row("look_csrs");
	put_int("hgatp_zero", !look.hgatp);
	put_hex("hedeleg", look.hedeleg);
	end_row();
}

/* A process that has used vectors sleeps in a system call; another has the hart meanwhile, with registers of its own. */
static void look_switched(void)
{
	uint8_t found[MAX_VSIZE], back[MAX_VSIZE];
	struct kvec_look look = {.vregs = found};
	struct process other = busy_start(true);
	struct host_state state;
	long result;

	result = host_load_call_store(pattern(POKED_SEED), 0, back, &state,
				      (const long[5]){SYS_ioctl, module, KVEC_SLEEP_LOOK, (long)&look});
	busy_end(&other);
	row("look_switched");
	put_int("rc", result);
	put_int("others", equal(found, pattern(OTHER_SEED)));
	put_fnv("fnv", found, vsize);
	end_row();
}

/* A process that never used vectors runs a guest; the hart's registers held something that is nobody's. */
static void look_unused(void)
{
	uint8_t *found = mmap(NULL, MAX_VSIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct kvec_look look = {.vregs = found};
	pid_t pid;
	int status;

	if (found == MAP_FAILED)
		die("no memory to share: %s", strerror(errno));
	pid = fork();
	if (pid < 0)
		die("cannot fork: %s", strerror(errno));
	if (!pid) {
		struct vcpu *vcpu;

		part_can_end = false;
		memset(found, 0, vsize);
		kvm_open();
		vcpu = guest();
		call(KVEC_POKE, pattern(POKED_SEED));
		COMMAND(vcpu, DRIVER_NOP);
		call(KVEC_LOOK, &look);
		_exit(0);
	}
	if (waitpid(pid, &status, 0) != pid || status)
		die("the process without vector state ended with status %#x", status);
	row("look_unused");
	put_int("poked", equal(found, pattern(POKED_SEED)));
	put_int("guests", equal(found, pattern(GUEST_SEED)));
	end_row();
}

void part_look(void)
{
	struct vcpu *vcpu = guest();

	trace_part("look");
	COMMAND(vcpu, DRIVER_NOP);
	look_csrs();
	look_switched();
	look_unused();
}
