// SPDX-License-Identifier: Apache-2.0
/* Parity of three buffers with an auto-vectorised loop, as a RAID5 kernel does; parity twice gives back the first. */
#include "guest.h"

enum { MAX = 24 };

static uint64_t a[MAX], b[MAX], c[MAX], parity[MAX];

static void xor3(uint64_t *restrict to, const uint64_t *x, const uint64_t *y, const uint64_t *z, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] = x[i] ^ y[i] ^ z[i];
}

int guest_main(unsigned long round, unsigned long owner)
{
	uint32_t random = seed_of(round, owner);
	size_t length = 1 + next_random(&random) % MAX;

	SCALAR_LOOP for (size_t i = 0; i < length; i++) {
		a[i] = (uint64_t)next_random(&random) << 32 | next_random(&random);
		b[i] = (uint64_t)next_random(&random) << 32 | next_random(&random);
		c[i] = a[i] + b[i];
	}
	yield();
	xor3(parity, a, b, c, length);
	yield();
	SCALAR_LOOP for (size_t i = 0; i < length; i++)
		if ((parity[i] ^ b[i] ^ c[i]) != a[i])
			return 1;
	xor3(a, parity, b, c, length);
	SCALAR_LOOP for (size_t i = 0; i < length; i++)
		if (a[i] + b[i] != c[i])
			return 2;
	return 0;
}
