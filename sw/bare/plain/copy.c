// SPDX-License-Identifier: Apache-2.0
/* Copies, also from one width to another. */
#include "plain.h"

static uint8_t bytes[2][N];
static int16_t halves[2][N];
static int32_t words[N];
static uint64_t doubles[N];

APART void copy(uint8_t *restrict to, const uint8_t *restrict from, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] = from[i];
}

APART void widen(uint64_t *restrict to, const uint8_t *restrict from, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] = from[i];
}

APART void widen_signed(int32_t *restrict to, const int16_t *restrict from, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] = from[i];
}

APART void narrow(int16_t *restrict to, const int32_t *restrict from, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] = (int16_t)from[i];
}

APART void reverse(int16_t *restrict to, const int16_t *restrict from, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] = from[n - 1 - i];
}

static int check(size_t n)
{
	copy(bytes[1], bytes[0], n);
	widen(doubles, bytes[0], n);
	widen_signed(words, halves[0], n);
	narrow(halves[1], words, n);
	SCALAR for (size_t i = 0; i < n; i++) {
		if (bytes[1][i] != bytes[0][i])
			return 1;
		if (doubles[i] != bytes[0][i])
			return 2;
		if (words[i] != halves[0][i])
			return 3;
		if (halves[1][i] != halves[0][i])
			return 4;
	}
	reverse(halves[1], halves[0], n);
	SCALAR for (size_t i = 0; i < n; i++)
		if (halves[1][i] != halves[0][n - 1 - i])
			return 5;
	return 0;
}

int main(void)
{
	scramble(bytes[0], sizeof bytes[0], 1);
	scramble(halves[0], sizeof halves[0], 2);
	return for_each_length(check);
}
