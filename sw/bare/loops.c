// SPDX-License-Identifier: Apache-2.0
/*
 * Integer loops that the compiler vectorises, checked by loops that it must not; main returns the number of the first
 * loop that went wrong, and 0 for none.
 */
#include <stddef.h>
#include <stdint.h>

/* The loops that check are scalar, so that they share nothing with what they check. */
#define SCALAR _Pragma("clang loop vectorize(disable) unroll(disable)")

enum { N = 99, SLACK = 7 };

static uint8_t bytes[2][N + SLACK];
static uint16_t halves[3][N];
static uint32_t words[3][N];
static uint64_t doubles[3][N];

static uint32_t next(uint32_t *state)
{
	uint32_t x = *state;

	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	return *state = x;
}

static void copy(uint8_t *restrict to, const uint8_t *restrict from, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] = from[i];
}

static void exclusive_or(uint64_t *restrict to, const uint64_t *restrict a, const uint64_t *restrict b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] = a[i] ^ b[i];
}

static void add(uint32_t *restrict to, const uint32_t *restrict a, uint32_t b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] = a[i] + b;
}

/* axpy for a = 1 or -1: the vector subset has no multiplier */
static void accumulate(uint32_t *restrict y, const uint32_t *restrict x, int negate, size_t n)
{
	if (negate)
		for (size_t i = 0; i < n; i++)
			y[i] -= x[i];
	else
		for (size_t i = 0; i < n; i++)
			y[i] += x[i];
}

static void select_larger(uint16_t *restrict to, const uint16_t *restrict a, const uint16_t *restrict b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] = a[i] > 0x8000 && (b[i] & 1) ? a[i] - b[i] : b[i];
}

static void number(uint64_t *to, uint64_t first, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] = first + i;
}

static int check_all(size_t n, size_t shift)
{
	uint32_t carry = n;

	copy(bytes[1] + shift, bytes[0], n);
	SCALAR for (size_t i = 0; i < n; i++)
		if (bytes[1][shift + i] != bytes[0][i])
			return 1;
	exclusive_or(doubles[2], doubles[0], doubles[1], n);
	SCALAR for (size_t i = 0; i < n; i++)
		if (doubles[2][i] != (doubles[0][i] ^ doubles[1][i]))
			return 2;
	add(words[2], words[0], carry, n);
	SCALAR for (size_t i = 0; i < n; i++)
		if (words[2][i] != words[0][i] + carry)
			return 3;
	SCALAR for (size_t i = 0; i < n; i++)
		words[2][i] = words[1][i];
	accumulate(words[1], words[0], n & 1, n);
	SCALAR for (size_t i = 0; i < n; i++)
		if (words[1][i] != words[2][i] + (n & 1 ? -words[0][i] : words[0][i]))
			return 4;
	select_larger(halves[2], halves[0], halves[1], n);
	SCALAR for (size_t i = 0; i < n; i++) {
		uint16_t a = halves[0][i], b = halves[1][i];
		uint16_t want = b;

		if (a > 0x8000 && b % 2)
			want = a - b;
		if (halves[2][i] != want)
			return 5;
	}
	number(doubles[2], carry, n);
	SCALAR for (size_t i = 0; i < n; i++)
		if (doubles[2][i] != carry + i)
			return 6;
	return 0;
}

int main(void)
{
	static const uint8_t lengths[] = {0, 1, 31, 64, N};
	uint32_t random = 0x2545f491;

	SCALAR for (size_t i = 0; i < N; i++) {
		bytes[0][i] = next(&random);
		halves[0][i] = next(&random);
		halves[1][i] = next(&random);
		words[0][i] = next(&random);
		words[1][i] = next(&random);
		doubles[0][i] = next(&random);
		doubles[1][i] = (uint64_t)next(&random) << 32;
	}
	SCALAR for (size_t i = 0; i < sizeof lengths; i++) {
		int failed = check_all(lengths[i], i % SLACK);

		if (failed)
			return failed;
	}
	return 0;
}
