// SPDX-License-Identifier: Apache-2.0
/* Copies buffers of odd length between odd addresses with an auto-vectorised loop. */
#include "guest.h"

enum { MAX = 192, SLACK = 16 };

static uint8_t source[MAX + SLACK], target[MAX + 2 * SLACK];

static void copy(uint8_t *restrict to, const uint8_t *restrict from, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] = from[i];
}

int guest_main(unsigned long round, unsigned long owner)
{
	uint32_t random = seed_of(round, owner);
	size_t length = 1 + next_random(&random) % MAX, shift = round % SLACK;
	uint8_t guard = (uint8_t)owner;

	SCALAR_LOOP for (size_t i = 0; i < length; i++)
		source[shift + i] = (uint8_t)next_random(&random);
	SCALAR_LOOP for (size_t i = 0; i < length + 2 * SLACK; i++)
		target[i] = guard;
	yield();
	copy(target + SLACK, source + shift, length);
	yield();
	SCALAR_LOOP for (size_t i = 0; i < length; i++)
		if (target[SLACK + i] != source[shift + i])
			return 1;
	SCALAR_LOOP for (size_t i = 0; i < SLACK; i++)
		if (target[i] != guard || target[SLACK + length + i] != guard)
			return 2;
	return 0;
}
