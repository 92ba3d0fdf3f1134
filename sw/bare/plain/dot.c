// SPDX-License-Identifier: Apache-2.0
/* Products: their sum, and element by element. */
#include "plain.h"

static int8_t bytes[2][N];
static uint16_t halves[2][N];
static int32_t words[3][N];
static uint64_t doubles[3][N];

APART int32_t dot_bytes(const int8_t *a, const int8_t *b, size_t n)
{
	int32_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += a[i] * b[i];
	return sum;
}

APART uint32_t dot_halves(const uint16_t *a, const uint16_t *b, size_t n)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += (uint32_t)a[i] * b[i];
	return sum;
}

APART int64_t dot_words(const int32_t *a, const int32_t *b, size_t n)
{
	int64_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += (int64_t)a[i] * b[i];
	return sum;
}

APART void multiply(uint64_t *restrict to, const uint64_t *restrict a, const uint64_t *restrict b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] = a[i] * b[i];
}

APART void axpy(int32_t *restrict y, const int32_t *restrict x, int32_t a, size_t n)
{
	for (size_t i = 0; i < n; i++)
		y[i] = (int32_t)((uint32_t)y[i] + (uint32_t)x[i] * (uint32_t)a);
}

APART void thirds(int32_t *restrict to, const int32_t *restrict a, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] = a[i] / 3;
}

static int check(size_t n)
{
	int32_t of_bytes = 0;
	uint32_t of_halves = 0;
	int64_t of_words = 0;

	SCALAR for (size_t i = 0; i < n; i++) {
		of_bytes += bytes[0][i] * bytes[1][i];
		of_halves += (uint32_t)halves[0][i] * halves[1][i];
		of_words += (int64_t)words[0][i] * words[1][i];
		words[2][i] = (int32_t)i;
	}
	if (dot_bytes(bytes[0], bytes[1], n) != of_bytes)
		return 1;
	if (dot_halves(halves[0], halves[1], n) != of_halves)
		return 2;
	if (dot_words(words[0], words[1], n) != of_words)
		return 3;
	multiply(doubles[2], doubles[0], doubles[1], n);
	axpy(words[2], words[0], -12345, n);
	SCALAR for (size_t i = 0; i < n; i++) {
		if (doubles[2][i] != doubles[0][i] * doubles[1][i])
			return 4;
		if ((uint32_t)words[2][i] != (uint32_t)i + (uint32_t)words[0][i] * (uint32_t)-12345)
			return 5;
	}
	thirds(words[2], words[0], n);
	SCALAR for (size_t i = 0; i < n; i++)
		if (words[2][i] != words[0][i] / 3)
			return 6;
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
