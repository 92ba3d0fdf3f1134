// SPDX-License-Identifier: Apache-2.0
/* Words that name their owner and place, so that a leaked or stale register is recognised for what it is. */
#ifndef VCTX_PATTERN_H
#define VCTX_PATTERN_H

	/* \word = first word of the pattern of (\owner, \round); the next word is + PATTERN_STEP. Clobbers \tmp. */
#define PATTERN_STEP	0x165667b19e3779f9
	.macro	pattern_first word, owner, round, tmp
	li	\word, 0x9e3779b97f4a7c15
	mul	\word, \word, \owner
	li	\tmp, 0xc2b2ae3d27d4eb4f
	mul	\tmp, \tmp, \round
	add	\word, \word, \tmp
	.endm

#endif
