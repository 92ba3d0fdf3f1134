// SPDX-License-Identifier: Apache-2.0
/* Adds buffers of 16- and 32-bit numbers with auto-vectorised loops: two element widths, two register groupings. */
#include "guest.h"

enum { MAX = 48 };

static uint16_t half_a[MAX], half_b[MAX], half_sum[MAX];
static uint32_t word_a[MAX], word_b[MAX], word_sum[MAX];

static void add_half(uint16_t *restrict to, const uint16_t *x, const uint16_t *y, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] = (uint16_t)(x[i] + y[i]);
}

static void add_word(uint32_t *restrict to, const uint32_t *x, const uint32_t *y, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] = x[i] + y[i] - 1;
}

int guest_main(unsigned long round, unsigned long owner)
{
	uint32_t random = seed_of(round, owner);
	size_t length = 1 + next_random(&random) % MAX;

	SCALAR_LOOP for (size_t i = 0; i < length; i++) {
		half_a[i] = (uint16_t)next_random(&random);
		half_b[i] = (uint16_t)next_random(&random);
		word_a[i] = next_random(&random);
		word_b[i] = next_random(&random);
	}
	yield();
	add_half(half_sum, half_a, half_b, length);
	yield();
	add_word(word_sum, word_a, word_b, length);
	yield();
	SCALAR_LOOP for (size_t i = 0; i < length; i++) {
		if (half_sum[i] != (uint16_t)(half_a[i] + half_b[i]))
			return 1;
		if (word_sum[i] != word_a[i] + word_b[i] - 1)
			return 2;
	}
	return 0;
}
