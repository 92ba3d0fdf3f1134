// SPDX-License-Identifier: Apache-2.0
/*
 * The trace: JSON lines, one observation each, in the format of the recordings of a real Linux KVM. A line is opened by
 * row(), gets its fields in order, and is written by end_row(). Only the main thread of the first process writes.
 */
#ifndef VCTX_TRACE_H
#define VCTX_TRACE_H

#include <stddef.h>
#include <stdint.h>

void trace_open(const char *path);		/* NULL: by hints to the emulator, which also hears of the others */
void trace_note(const char *name);		/* a mark in time, as the beginning of a part is */
void trace_module(const char *address);		/* of the code of the KVM module, in hex */
void trace_end(void);
void trace_inherit(int file);			/* of a process that was started with it open */
int trace_inherited(void);			/* the file, from now on open in processes that this one starts */
void trace_part(const char *name);		/* `ctx` of the lines from here on */
void row(const char *kind);			/* `t` */
void put_int(const char *key, long value);
void put_hex(const char *key, uint64_t value);
void put_str(const char *key, const char *value);
void put_bytes(const char *key, const void *data, size_t size);	/* hex, memory order */
void put_fnv(const char *key, const void *data, size_t size);	/* 64-bit FNV-1a */
void put_list(const char *key, const long *values, size_t count);
void put_errno(int error);			/* `err` and `ename` */
void end_row(void);

const char *errno_name(int error);		/* "0" for none */
double uptime(void);

/* Prints a message on the console and powers the machine off; the trace then has no end line. */
__attribute__((noreturn, format(printf, 1, 2))) void die(const char *format, ...);

#endif
