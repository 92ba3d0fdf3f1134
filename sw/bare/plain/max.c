// SPDX-License-Identifier: Apache-2.0
/* The greatest and the least element, of an array and of pairs. */
#include "plain.h"

static int8_t bytes[3][N];
static uint16_t halves[3][N];
static int32_t words[N];
static uint64_t doubles[N];

APART int32_t greatest(const int32_t *a, size_t n)
{
	int32_t most = INT32_MIN;

	for (size_t i = 0; i < n; i++)
		if (a[i] > most)
			most = a[i];
	return most;
}

APART uint64_t least(const uint64_t *a, size_t n)
{
	uint64_t least = UINT64_MAX;

	for (size_t i = 0; i < n; i++)
		least = a[i] < least ? a[i] : least;
	return least;
}

APART void greater(int8_t *restrict to, const int8_t *restrict a, const int8_t *restrict b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] = a[i] > b[i] ? a[i] : b[i];
}

APART void lesser(uint16_t *restrict to, const uint16_t *restrict a, const uint16_t *restrict b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] = a[i] < b[i] ? a[i] : b[i];
}

static int check(size_t n)
{
	int32_t most = INT32_MIN;
	uint64_t fewest = UINT64_MAX;

	SCALAR for (size_t i = 0; i < n; i++) {
		most = words[i] > most ? words[i] : most;
		fewest = doubles[i] < fewest ? doubles[i] : fewest;
	}
	if (greatest(words, n) != most)
		return 1;
	if (least(doubles, n) != fewest)
		return 2;
	greater(bytes[2], bytes[0], bytes[1], n);
	lesser(halves[2], halves[0], halves[1], n);
	SCALAR for (size_t i = 0; i < n; i++) {
		if (bytes[2][i] != (bytes[0][i] > bytes[1][i] ? bytes[0][i] : bytes[1][i]))
			return 3;
		if (halves[2][i] != (halves[0][i] < halves[1][i] ? halves[0][i] : halves[1][i]))
			return 4;
	}
	return 0;
}

int main(void)
{
	scramble(bytes, sizeof bytes, 1);
	scramble(halves, sizeof halves, 2);
	scramble(words, sizeof words, 3);
	scramble(doubles, sizeof doubles, 4);
	return for_each_length(check);
}
