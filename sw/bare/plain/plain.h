// SPDX-License-Identifier: Apache-2.0
/*
 * What the programs of this folder share. Each is one kind of loop as anybody would write it, over elements of several
 * widths; the compiler vectorises it by itself. Loops that check are scalar, so that they share nothing with what they
 * check. main returns the number of the first check that failed, and 0 for none.
 */
#ifndef PLAIN_H
#define PLAIN_H

#include <stddef.h>
#include <stdint.h>

#define SCALAR _Pragma("clang loop vectorize(disable) unroll(disable) interleave(disable)")

/* A function with other callers, for all the compiler knows: its loop must do for any arguments. */
#define APART __attribute__((noinline))

enum { N = 83 };

static const size_t lengths[] = {0, 1, 2, 17, 64, N};

static inline uint32_t next(uint32_t *state)
{
	uint32_t x = *state;

	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	return *state = x;
}

/* `count` bytes that look random */
static APART void scramble(void *to, size_t count, uint32_t seed)
{
	uint8_t *bytes = to;

	SCALAR for (size_t i = 0; i < count; i++)
		bytes[i] = next(&seed);
}

/* Runs `check(n)`, which returns 0 or what failed, for every length. */
static inline int for_each_length(int (*check)(size_t n))
{
	SCALAR for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
		int failed = check(lengths[i]);

		if (failed)
			return failed;
	}
	return 0;
}

#endif
