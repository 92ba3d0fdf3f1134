// SPDX-License-Identifier: Apache-2.0
/* Fills buffers of odd length with an auto-vectorised loop; the fill value stays in a vector register throughout. */
#include "guest.h"

enum { MAX = 256, SLACK = 16 };

static uint8_t target[MAX + 2 * SLACK];

static void set(uint8_t *to, uint8_t value, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] = value;
}

int guest_main(unsigned long round, unsigned long owner)
{
	uint32_t random = seed_of(round, owner);
	size_t length = 1 + next_random(&random) % MAX;
	uint8_t value = (uint8_t)next_random(&random), guard = (uint8_t)~value;

	set(target, guard, sizeof(target));
	yield();
	set(target + SLACK, value, length);
	putchar_sbi('.');
	SCALAR_LOOP for (size_t i = 0; i < sizeof(target); i++) {
		uint8_t expected = i >= SLACK && i < SLACK + length ? value : guard;

		if (target[i] != expected)
			return 1;
	}
	return 0;
}
