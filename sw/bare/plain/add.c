// SPDX-License-Identifier: Apache-2.0
/* Sums and differences of elements, also of narrow ones to wide ones. */
#include "plain.h"

static uint32_t words[3][N];
static int8_t bytes[2][N];
static int16_t halves[N];
static uint64_t doubles[N];

APART void add(uint32_t *restrict to, const uint32_t *restrict a, const uint32_t *restrict b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] = a[i] + b[i];
}

APART void subtract(int16_t *restrict to, const int8_t *restrict a, const int8_t *restrict b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] = a[i] - b[i];
}

APART void accumulate(uint64_t *restrict to, const uint32_t *restrict a, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] += a[i];
}

APART void number(uint32_t *to, uint32_t first, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] = first + 3 * (uint32_t)i;
}

static int check(size_t n)
{
	add(words[2], words[0], words[1], n);
	subtract(halves, bytes[0], bytes[1], n);
	SCALAR for (size_t i = 0; i < n; i++) {
		if (words[2][i] != words[0][i] + words[1][i])
			return 1;
		if (halves[i] != bytes[0][i] - bytes[1][i])
			return 2;
		doubles[i] = UINT64_C(0xfffffff0) + i;
	}
	accumulate(doubles, words[0], n);
	number(words[2], 7, n);
	SCALAR for (size_t i = 0; i < n; i++) {
		if (doubles[i] != UINT64_C(0xfffffff0) + i + words[0][i])
			return 3;
		if (words[2][i] != 7 + 3 * i)
			return 4;
	}
	return 0;
}

int main(void)
{
	scramble(words, sizeof words, 1);
	scramble(bytes, sizeof bytes, 2);
	return for_each_length(check);
}
