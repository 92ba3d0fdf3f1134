// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/reboot.h>
#include <time.h>
#include <unistd.h>

#include "trace.h"

#define LINE	0x10000
#define HINTS	-2			/* in place of a file: who emulates this machine listens to hints */

/* What is said: a line, a mark, the end (a1: nonzero if early), and where the code of the KVM module is. */
#define HINT_LINE	0x7c0
#define HINT_NOTE	0x7c1
#define HINT_END	0x7c2
#define HINT_MODULE	0x7c3

static int trace = -1;
static const char *part = "boot";
static char line[LINE];
static size_t used;

/* `slti x0, x0, number`, which does nothing by itself */
#define hint(number, address, size) do { \
	register const void *a0 asm("a0") = address; \
	register size_t a1 asm("a1") = size; \
	asm volatile("slti x0, x0, %0" :: "i"(number), "r"(a0), "r"(a1) : "memory"); \
} while (0)

void die(const char *format, ...)
{
	va_list list;

	va_start(list, format);
	fputs("vctx: ", stderr);
	vfprintf(stderr, format, list);
	fputs("\n", stderr);
	va_end(list);
	if (trace == HINTS)
		hint(HINT_END, NULL, 1);
	sync();
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}

double uptime(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}

void trace_open(const char *path)
{
	trace = !path ? HINTS : open(path, O_WRONLY | O_CLOEXEC);
	if (trace == -1)
		die("cannot open %s: %s", path, strerror(errno));
}

void trace_module(const char *address)
{
	if (trace == HINTS)
		hint(HINT_MODULE, address, strlen(address));
}

void trace_note(const char *name)
{
	if (trace == HINTS)
		hint(HINT_NOTE, name, strlen(name));
}

void trace_end(void)
{
	if (trace == HINTS)
		hint(HINT_END, NULL, 0);
}

void trace_inherit(int file)
{
	trace = file;
}

int trace_inherited(void)
{
	if (trace != HINTS && fcntl(trace, F_SETFD, 0))
		die("fcntl: %s", strerror(errno));
	return trace;
}

void trace_part(const char *name)
{
	part = name;
	trace_note(name);
}

__attribute__((format(printf, 1, 2))) static void put(const char *format, ...)
{
	va_list list;
	int size;

	va_start(list, format);
	size = vsnprintf(line + used, LINE - used, format, list);
	va_end(list);
	used += size;
	if (used >= LINE)
		die("a line of the trace is longer than %d bytes", LINE);
}

void row(const char *kind)
{
	used = 0;
	put("{\"up\":%.3f,\"ctx\":\"%s\",\"t\":\"%s\"", uptime(), part, kind);
}

void put_int(const char *key, long value)
{
	put(",\"%s\":%ld", key, value);
}

void put_hex(const char *key, uint64_t value)
{
	put(",\"%s\":\"0x%lx\"", key, value);
}

void put_str(const char *key, const char *value)
{
	put(",\"%s\":\"%s\"", key, value);
}

void put_bytes(const char *key, const void *data, size_t size)
{
	const uint8_t *byte = data;

	put(",\"%s\":\"", key);
	for (size_t i = 0; i < size; i++)
		put("%02x", byte[i]);
	put("\"");
}

void put_fnv(const char *key, const void *data, size_t size)
{
	const uint8_t *byte = data;
	uint64_t hash = 0xcbf29ce484222325;

	for (size_t i = 0; i < size; i++)
		hash = (hash ^ byte[i]) * 0x100000001b3;
	put(",\"%s\":\"%016lx\"", key, hash);
}

void put_list(const char *key, const long *values, size_t count)
{
	put(",\"%s\":[", key);
	for (size_t i = 0; i < count; i++)
		put("%s%ld", i ? "," : "", values[i]);
	put("]");
}

void put_errno(int error)
{
	put_int("err", error);
	put_str("ename", errno_name(error));
}

void end_row(void)
{
	put("}\n");
	if (trace == HINTS) {
		hint(HINT_LINE, line, used);
		return;
	}
	for (size_t done = 0; done < used;) {
		ssize_t size = write(trace, line + done, used - done);

		if (size < 0 && errno != EINTR)
			die("cannot write the trace: %s", strerror(errno));
		if (size > 0)
			done += size;
	}
}

const char *errno_name(int error)
{
	static char other[16];

	switch (error) {
	case 0: return "0";
	case EPERM: return "EPERM";
	case ENOENT: return "ENOENT";
	case EINTR: return "EINTR";
	case EIO: return "EIO";
	case E2BIG: return "E2BIG";
	case ENOEXEC: return "ENOEXEC";
	case EBADF: return "EBADF";
	case EAGAIN: return "EAGAIN";
	case ENOMEM: return "ENOMEM";
	case EFAULT: return "EFAULT";
	case EBUSY: return "EBUSY";
	case EEXIST: return "EEXIST";
	case ENODEV: return "ENODEV";
	case EINVAL: return "EINVAL";
	case ENOTTY: return "ENOTTY";
	case ENOSYS: return "ENOSYS";
	case EOPNOTSUPP: return "EOPNOTSUPP";
	}
	snprintf(other, sizeof(other), "errno %d", error);
	return other;
}
