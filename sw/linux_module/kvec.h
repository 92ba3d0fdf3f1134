/* SPDX-License-Identifier: Apache-2.0 */
/* What the module kvec and the init program agree on: calls of /dev/kvec, and what they give back. */
#ifndef VCTX_KVEC_H
#define VCTX_KVEC_H

struct kvec_counters {
	unsigned long soft_runs, soft_refused;			/* of the soft timer */
	unsigned long fault_runs, fault_bad, fault_switches;	/* sections of the page-fault handler */
	unsigned long schedule_runs, schedule_on;		/* those that called the scheduler, and found the unit on then */
};

/* What the hart has, whosever that is. */
struct kvec_look {
	unsigned long hgatp, hedeleg, sstatus;
	unsigned char *vregs;					/* v0 to v31, or NULL */
};

/* What the page-fault handler's section does between its two halves. */
#define KVEC_SECTION_SPIN	0				/* spin for some microseconds */
#define KVEC_SECTION_SCHEDULE	1				/* call the scheduler */

struct kvec_section {
	unsigned int does, spin_us;
};


#define KVEC_IOC		'k'
#define KVEC_TIMER		_IO(KVEC_IOC, 0)		/* argument: period in microseconds, 0 for off */
#define KVEC_SECTION		_IOW(KVEC_IOC, 1, struct kvec_section)
#define KVEC_COUNTERS		_IOR(KVEC_IOC, 2, struct kvec_counters)
#define KVEC_LOOK		_IOWR(KVEC_IOC, 3, struct kvec_look)
#define KVEC_SLEEP_LOOK		_IOWR(KVEC_IOC, 4, struct kvec_look)	/* sleep first, then look at once */
#define KVEC_POKE		_IO(KVEC_IOC, 5)		/* argument: v0 to v31 */
#define KVEC_PREEMPTIBLE	_IO(KVEC_IOC, 6)		/* 1 if sections of this process are */

#endif
