// SPDX-License-Identifier: Apache-2.0
/* What a host task and the host kernel agree on: system call numbers (a7). */
#ifndef VCTX_TASK_H
#define VCTX_TASK_H

#define SYS_REPORT	1	/* a0 = 0 or failure code, a1 = round */
#define SYS_CALL	2	/* any system call: does nothing, and discards the vector registers */

#endif
