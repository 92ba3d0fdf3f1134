// SPDX-License-Identifier: Apache-2.0
/* Sums, and other reductions, over one array. */
#include "plain.h"

static int8_t bytes[N];
static uint16_t halves[N];
static int32_t words[N];
static uint64_t doubles[N];

APART int64_t sum_bytes(const int8_t *a, size_t n)
{
	int64_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += a[i];
	return sum;
}

APART uint32_t sum_halves(const uint16_t *a, size_t n)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += a[i];
	return sum;
}

APART int32_t sum_words(const int32_t *a, size_t n)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += (uint32_t)a[i];
	return (int32_t)sum;
}

APART uint64_t parity(const uint64_t *a, size_t n)
{
	uint64_t all = 0;

	for (size_t i = 0; i < n; i++)
		all ^= a[i];
	return all;
}

APART uint16_t common(const uint16_t *a, size_t n)
{
	uint16_t all = 0xffff;

	for (size_t i = 0; i < n; i++)
		all &= a[i] | 0x1234;
	return all;
}

static int check(size_t n)
{
	int64_t of_bytes = 0;
	uint32_t of_halves = 0, of_words = 0;
	uint64_t of_doubles = 0;
	uint16_t in_common = 0xffff;

	SCALAR for (size_t i = 0; i < n; i++) {
		of_bytes += bytes[i];
		of_halves += halves[i];
		of_words += (uint32_t)words[i];
		of_doubles ^= doubles[i];
		in_common &= halves[i] | 0x1234;
	}
	if (sum_bytes(bytes, n) != of_bytes)
		return 1;
	if (sum_halves(halves, n) != of_halves)
		return 2;
	if ((uint32_t)sum_words(words, n) != of_words)
		return 3;
	if (parity(doubles, n) != of_doubles)
		return 4;
	return common(halves, n) == in_common ? 0 : 5;
}

int main(void)
{
	scramble(bytes, sizeof bytes, 1);
	scramble(halves, sizeof halves, 2);
	scramble(words, sizeof words, 3);
	scramble(doubles, sizeof doubles, 4);
	return for_each_length(check);
}
