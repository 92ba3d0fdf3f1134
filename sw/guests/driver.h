// SPDX-License-Identifier: Apache-2.0
/* What the driver guest and its user space agree on: commands, status codes, and a mailbox for each vCPU. */
#ifndef VCTX_DRIVER_H
#define VCTX_DRIVER_H

/* a0 of a report */
#define DRIVER_READY		1	/* just started */
#define DRIVER_DONE		2	/* the last command is done */
#define DRIVER_TRAP		3	/* the last command trapped */

/* value that user space returns for a report: the next command */
#define DRIVER_NOP		0
#define DRIVER_SET_VS		1	/* sstatus.VS = ARG0 */
#define DRIVER_CSRS		2	/* read the vector CSRs */
#define DRIVER_DUMP		3	/* the same, v0..v31 into the buffer, and VS Dirty */
#define DRIVER_LOAD		4	/* v0..v31 from the buffer, vsetvl ARG0 ARG1, vcsr ARG2, vstart ARG3 */
#define DRIVER_VSETVL		5	/* RESULT = vsetvl ARG0 ARG1 */
#define DRIVER_CSRW		6	/* vstart = ARG0, vcsr = ARG1, and nothing behind it */
#define DRIVER_EXECUTE		7	/* the DRIVER_SLOTS instructions at driver_slot */
#define DRIVER_STORE		8	/* v0 into the buffer, from vstart on */
#define DRIVER_MMIO		9	/* store ARG1 to ARG0, RESULT = load from ARG0 + 8 */
#define DRIVER_PUTCHAR		10
#define DRIVER_HART_START	11	/* RESULT = SBI error of hart_start ARG0 at the driver's own entry */
#define DRIVER_HART_STOP	12
#define DRIVER_WATCH		13	/* look ARG0 times whether a register or CSR changes; stop at a register, and look again */

#define DRIVER_SLOTS		4

/* a mailbox, MAIL_SIZE bytes for each vCPU id, from the guest's heap on */
#define MAIL_SCAUSE		0
#define MAIL_STVAL		8
#define MAIL_SEPC		16
#define MAIL_SSTATUS_IN		24	/* before the command */
#define MAIL_SSTATUS_OUT	32	/* behind it */
#define MAIL_VSTART		40
#define MAIL_VL			48
#define MAIL_VTYPE		56
#define MAIL_VCSR		64
#define MAIL_VLENB		72
#define MAIL_VXRM		80
#define MAIL_VXSAT		88
#define MAIL_RESULT		96
#define MAIL_ARG0		104
#define MAIL_ARG1		112
#define MAIL_ARG2		120
#define MAIL_ARG3		128
#define MAIL_LEFT		136	/* WATCH: looks left when a register changed */
#define MAIL_CSR_CHANGES	144	/* WATCH: looks at which a CSR had changed */
#define MAIL_BUFFER		256	/* v0..v31 */
#define MAIL_SIZE		0x9000
#define MAIL_SECOND		0x4800	/* what WATCH saw last */

#endif
