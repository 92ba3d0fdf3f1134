// SPDX-License-Identifier: Apache-2.0
/* Shifts, by constants, by a variable and by elements. */
#include "plain.h"

static uint8_t bytes[2][N];
static int16_t halves[2][N];
static uint32_t words[3][N];
static int64_t doubles[2][N];

APART void left(uint32_t *restrict to, const uint32_t *restrict a, unsigned by, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] = a[i] << by;
}

APART void right(uint8_t *restrict to, const uint8_t *restrict a, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] = a[i] >> 3;
}

APART void right_signed(int64_t *restrict to, const int64_t *restrict a, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] = a[i] >> 13;
}

APART void by_elements(uint32_t *restrict to, const uint32_t *restrict a, const uint32_t *restrict by, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] = a[i] >> (by[i] & 31);
}

APART void middle(int16_t *restrict to, const uint32_t *restrict a, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] = (int16_t)((int32_t)a[i] >> 9);
}

static int check(size_t n)
{
	left(words[2], words[0], n % 32, n);
	right(bytes[1], bytes[0], n);
	right_signed(doubles[1], doubles[0], n);
	middle(halves[1], words[0], n);
	SCALAR for (size_t i = 0; i < n; i++) {
		if (words[2][i] != words[0][i] << n % 32)
			return 1;
		if (bytes[1][i] != bytes[0][i] / 8)
			return 2;
		if (doubles[1][i] != doubles[0][i] >> 13)
			return 3;
		if (halves[1][i] != (int16_t)((int32_t)words[0][i] >> 9))
			return 4;
	}
	by_elements(words[2], words[0], words[1], n);
	SCALAR for (size_t i = 0; i < n; i++)
		if (words[2][i] != words[0][i] >> words[1][i] % 32)
			return 5;
	return 0;
}

int main(void)
{
	scramble(bytes, sizeof bytes, 1);
	scramble(words, sizeof words, 2);
	scramble(doubles, sizeof doubles, 3);
	return for_each_length(check);
}
