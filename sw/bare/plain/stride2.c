// SPDX-License-Identifier: Apache-2.0
/* Every second element: read, written, changed and added up. */
#include "plain.h"

static uint8_t bytes[2][2 * N];
static int16_t halves[2][2 * N];
static uint32_t words[2][2 * N];
static uint64_t doubles[2][2 * N];

APART void pick(uint8_t *restrict to, const uint8_t *restrict from, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] = from[2 * i];
}

APART void place(int16_t *restrict to, const int16_t *restrict from, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[2 * i] = from[i];
}

APART void change(uint32_t *a, size_t n)
{
	for (size_t i = 0; i < 2 * n; i += 2)
		a[i] += 5;
}

APART uint64_t add_up(const uint64_t *a, size_t n)
{
	uint64_t sum = 0;

	for (size_t i = 1; i < 2 * n; i += 2)
		sum += a[i];
	return sum;
}

static int check(size_t n)
{
	uint64_t sum = 0;

	SCALAR for (size_t i = 0; i < 2 * n; i++) {
		bytes[1][i] = 0x5a;
		halves[1][i] = -9;
		words[1][i] = words[0][i];
		sum += i & 1 ? doubles[0][i] : 0;
	}
	pick(bytes[1], bytes[0], n);
	place(halves[1], halves[0], n);
	change(words[1], n);
	SCALAR for (size_t i = 0; i < 2 * n; i++) {
		if (bytes[1][i] != (i < n ? bytes[0][2 * i] : 0x5a))
			return 1;
		if (halves[1][i] != (i & 1 ? -9 : halves[0][i / 2]))
			return 2;
		if (words[1][i] != words[0][i] + (i & 1 ? 0 : 5))
			return 3;
	}
	return add_up(doubles[0], n) == sum ? 0 : 4;
}

int main(void)
{
	scramble(bytes, sizeof bytes, 1);
	scramble(halves, sizeof halves, 2);
	scramble(words, sizeof words, 3);
	scramble(doubles, sizeof doubles, 4);
	return for_each_length(check);
}
