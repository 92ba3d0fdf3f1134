// SPDX-License-Identifier: Apache-2.0
/* Loops with a condition: some elements are written, counted or added up, or two values are chosen between. */
#include "plain.h"

static uint8_t bytes[2][N];
static int16_t halves[2][N];
static int32_t words[3][N];
static uint64_t doubles[N];

APART void keep_greater(int32_t *restrict to, const int32_t *restrict a, const int32_t *restrict b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (a[i] > b[i])
			to[i] = a[i] * 3;
}

APART void choose(uint8_t *restrict to, const uint8_t *restrict a, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] = a[i] > 99 ? a[i] - 7 : a[i] + 1;
}

APART size_t count(const uint8_t *a, uint8_t limit, size_t n)
{
	size_t found = 0;

	for (size_t i = 0; i < n; i++)
		if (a[i] < limit)
			found++;
	return found;
}

APART uint64_t sum_of_odd(const uint64_t *a, size_t n)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < n; i++)
		if (a[i] & 1)
			sum += a[i];
	return sum;
}

APART void magnitude(int16_t *restrict to, const int16_t *restrict a, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] = a[i] < 0 ? (int16_t)-a[i] : a[i];
}

static int check(size_t n)
{
	size_t found = 0;
	uint64_t sum = 0;

	SCALAR for (size_t i = 0; i < n; i++) {
		words[2][i] = -1;
		found += bytes[0][i] < 77;
		sum += doubles[i] & 1 ? doubles[i] : 0;
	}
	keep_greater(words[2], words[0], words[1], n);
	choose(bytes[1], bytes[0], n);
	magnitude(halves[1], halves[0], n);
	SCALAR for (size_t i = 0; i < n; i++) {
		if (words[2][i] != (words[0][i] > words[1][i] ? words[0][i] * 3 : -1))
			return 1;
		if (bytes[1][i] != (uint8_t)(bytes[0][i] > 99 ? bytes[0][i] - 7 : bytes[0][i] + 1))
			return 2;
		if (halves[1][i] != (halves[0][i] < 0 ? (int16_t)-halves[0][i] : halves[0][i]))
			return 3;
	}
	if (count(bytes[0], 77, n) != found)
		return 4;
	return sum_of_odd(doubles, n) == sum ? 0 : 5;
}

int main(void)
{
	scramble(bytes, sizeof bytes, 1);
	scramble(halves, sizeof halves, 2);
	scramble(words, sizeof words, 3);
	scramble(doubles, sizeof doubles, 4);
	SCALAR for (size_t i = 0; i < N; i++)  /* so that three times each fits */
		words[0][i] /= 4;
	return for_each_length(check);
}
