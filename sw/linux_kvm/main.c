// SPDX-License-Identifier: Apache-2.0
/*
 * The init program of `vctx linux-kvm` and `vctx linux`: loads kvm.ko, drives /dev/kvm, and tells what a real Linux did
 * with the vector state of its guests, on a virtio-serial port, or by hints to the emulator if there is hints=1 on the
 * kernel command line. Also there: seed=N steps=N, and parts=a,b for some parts only.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "host.h"
#include "lines.h"

#define TRACE		"/dev/vport0p1"
#define KVM		"/kvm.ko"
#define KVM_TEXT	"/sys/module/kvm/sections/.text"
#define MODULE		"/kvec.ko"		/* of sw/linux_module, if there is one for this kernel */
#define VLENB_WITHOUT_V	16

static char cmdline[1024], isa[1024];
int cpus;

static void mount_on(const char *type, const char *path)
{
	mkdir(path, 0755);
	if (mount(type, path, type, 0, NULL) && errno != EBUSY)
		die("cannot mount %s: %s", path, strerror(errno));
}

static void read_text(const char *path, char *text, size_t size)
{
	int file = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = file < 0 ? -1 : read(file, text, size - 1);

	if (got < 0)
		die("cannot read %s: %s", path, strerror(errno));
	text[got] = 0;
	text[strcspn(text, "\n")] = 0;
	close(file);
}

static void write_text(const char *path, const char *text)
{
	int file = open(path, O_WRONLY | O_CLOEXEC);

	if (file < 0 || write(file, text, strlen(text)) < 0)
		die("cannot write %s: %s", path, strerror(errno));
	close(file);
}

/* The CPUs, and the value of `isa` of the last one, in /proc/cpuinfo. sysconf() would leave out the isolated ones. */
static void read_cpuinfo(void)
{
	FILE *file = fopen("/proc/cpuinfo", "re");
	char line[1024];

	while (file && fgets(line, sizeof(line), file)) {
		cpus += !strncmp(line, "processor\t", 10);
		if (!strncmp(line, "isa\t", 4))
			sscanf(line, "isa : %1023s", isa);
	}
	if (!isa[0])
		die("/proc/cpuinfo has %d CPUs, and no isa", cpus);
	fclose(file);
}

/* The text of a parameter of the kernel command line, up to a space; NULL if it has none of that name. */
static const char *text_of(const char *name)
{
	size_t size = strlen(name);

	for (const char *at = cmdline; (at = strstr(at, name)); at += size)
		if ((at == cmdline || at[-1] == ' ') && at[size] == '=')
			return at + size + 1;
	return NULL;
}

static uint64_t parameter(const char *name)
{
	const char *text = text_of(name);

	if (!text)
		die("the kernel command line has no %s=", name);
	return strtoul(text, NULL, 0);
}

/* Whether `name` is one of the names of a parameter, which commas separate. */
static bool listed(const char *names, const char *name)
{
	size_t size = strlen(name);

	for (;; names++) {
		size_t here = strcspn(names, ", ");

		if (here == size && !strncmp(names, name, size))
			return true;
		names += here;
		if (*names != ',')
			return false;
	}
}

static bool has_v(void)
{
	return strchr(isa, 'v') && strcspn(isa + 2, "v") < strcspn(isa + 2, "_");	/* behind "rv" */
}

static void boot_line(void)
{
	struct utsname name;

	uname(&name);
	row("boot");
	put_str("release", name.release);
	put_str("version", name.version);
	put_str("machine", name.machine);
	put_int("cpus", cpus);
	put_str("isa", isa);
	put_int("host_vlenb", vlenb);
	put_str("cmdline", cmdline);
	end_row();
}

static void load_module(const char *path)
{
	int file = open(path, O_RDONLY | O_CLOEXEC), error;

	if (file < 0)
		die("cannot open %s: %s", path, strerror(errno));
	error = syscall(SYS_finit_module, file, "", 0) ? errno : 0;
	close(file);
	row("finit_module");
	put_str("file", &path[1]);
	put_errno(error);
	end_row();
	if (error)
		die("cannot load %s: %s", path, strerror(error));
}

static void load_kvm(void)
{
	load_module(KVM);
	kvm_open();
	row("kvm");
	put_int("api", ioctl(kvm, KVM_GET_API_VERSION, 0));
	put_int("cap_one_reg", ioctl(kvm, KVM_CHECK_EXTENSION, KVM_CAP_ONE_REG));
	put_int("cap_mp_state", ioctl(kvm, KVM_CHECK_EXTENSION, KVM_CAP_MP_STATE));
	put_int("max_vcpus", ioctl(kvm, KVM_CHECK_EXTENSION, KVM_CAP_MAX_VCPUS));
	end_row();
}

/* On what machine a part is about something. */
enum needs {
	ANY,
	V,
	NO_V,
	V_AND_MODULE,
};

static const struct {
	const char *name;
	void (*part)(void);
	enum needs needs;
} parts[] = {
	{"onereg", part_onereg, V}, {"isa_v", part_isa_v, V}, {"v_disabled_guest", part_v_disabled_guest, V},
	{"guest", part_guest, V}, {"csr_only", part_csr_only, V}, {"vs_fields", part_vs_fields, V}, {"host", part_host, V},
	{"hart_start", part_hart_start, V}, {"migrate", part_migrate, V}, {"round_robin", part_round_robin, V},
	{"signal", part_signal, V}, {"threads", part_threads, V}, {"watch_v_enabled", part_watch_v_enabled, V},
	{"watch_v_disabled", part_watch_v_disabled, V}, {"random", part_random, V},
	{"host_without_v", part_host_without_v, NO_V}, {"csr_ids", part_csr_ids, ANY}, {"mp_reset", part_mp_reset, V},
	{"first_use", part_first_use, ANY}, {"prctl", part_prctl, V}, {"soft_timer", part_soft_timer, V_AND_MODULE},
	{"sections", part_sections, V_AND_MODULE}, {"look", part_look, V_AND_MODULE},
	{"schedule", part_schedule, V_AND_MODULE},	/* last: the kernel keeps a flag of its sections */
};

static void run_parts(const char *wanted)
{
	bool v = has_v(), module = v && !access(MODULE, R_OK);

	if (module) {
		load_module(MODULE);
		module_open();
	}
	part_can_end = true;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		enum needs needs = parts[i].needs;

		if (needs == ANY || (needs == NO_V && !v) || (needs == V && v) || (needs == V_AND_MODULE && module))
			if ((!wanted || listed(wanted, parts[i].name)) && !setjmp(part_end))
				parts[i].part();
	}
}

int main(int count, char **arguments)
{
	char text[32];
	uint64_t seed;
	bool hints;

	if (count > 3 && !strcmp(arguments[1], DENIED))
		return denied_main(arguments + 2);
	mount_on("devtmpfs", "/dev");
	mount_on("proc", "/proc");
	read_text("/proc/cmdline", cmdline, sizeof(cmdline));
	hints = text_of("hints");
	if (hints)
		trace_open(NULL);
	read_cpuinfo();
	seed = parameter("seed");
	random_seed(seed);
	vlenb = has_v() ? host_vlenb() : VLENB_WITHOUT_V;
	vsize = VREGS * vlenb;
	if (vlenb > MAX_VLENB)
		die("VLEN %zu is more than this program has room for", 8 * vlenb);
	if (hints && !has_v())
		die("this machine has no V");
	if (!hints)
		trace_open(TRACE);
	trace_note("init");
	boot_line();
	load_kvm();
	if (hints) {
		mount_on("sysfs", "/sys");
		read_text(KVM_TEXT, text, sizeof(text));
		trace_module(text);
	}
	trace_note("kvm_loaded");
	write_text("/proc/sys/kernel/sched_rt_runtime_us", "-1");
	run_on(QUIET_CPU, true);		/* nothing else runs there, and nothing preempts this */
	random_steps(seed, parameter("steps"));
	run_parts(text_of("parts"));
	trace_part("end");
	row("end");
	end_row();
	trace_end();
	sync();
	reboot(RB_POWER_OFF);
	return 0;
}
