// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Kernel-mode vector code in the places where it meets KVM: a soft timer's handler, and the fault handler of memory that
 * a process maps, or gives to a guest. It also shows what the hart's registers hold, to whomever that belongs. It is
 * part of the init program's tests, and no driver of anything.
 */
#include <linux/fs.h>
#include <linux/hrtimer.h>
#include <linux/ktime.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/version.h>
#include <asm/csr.h>
#include <asm/simd.h>
#include <asm/vector.h>

#include "kvec.h"

#define BLOCKS		4
#define E8_M8_TA_MA	0xc3UL
#define SLEEP_MS	30

void xor_load(const u8 *a, const u8 *b, const u8 *c);
void xor_store(u8 *to);
unsigned long get_vtype(void);
unsigned long get_vl(void);
void store_all(u8 *to);
void load_all(const u8 *from);

static struct kvec_counters counters;
static struct kvec_section section = {.spin_us = 1000};
static u8 *blocks[BLOCKS];	/* three to compute the parity of, and what it must be */
static size_t block_size;
static struct hrtimer timer;
static ktime_t period;

static void fill_blocks(void)
{
	for (size_t at = 0; at < block_size; at++) {
		for (int n = 0; n < BLOCKS - 1; n++)
			blocks[n][at] = n * 89 + at * (2 * n + 3);
		blocks[BLOCKS - 1][at] = blocks[0][at] ^ blocks[1][at] ^ blocks[2][at];
	}
}

/* The soft timer */

static enum hrtimer_restart on_timer(struct hrtimer *hrtimer)
{
	static u8 *to;

	if (!to)
		to = kmalloc(block_size, GFP_ATOMIC);
	if (to && may_use_simd()) {
		kernel_vector_begin();
		xor_load(blocks[0], blocks[1], blocks[2]);
		xor_store(to);
		kernel_vector_end();
		counters.soft_runs++;
	} else {
		counters.soft_refused++;
	}
	hrtimer_forward_now(hrtimer, period);
	return HRTIMER_RESTART;
}

static void set_timer(unsigned long us)
{
	hrtimer_cancel(&timer);
	period = ns_to_ktime(us * NSEC_PER_USEC);
	if (us)
		hrtimer_start(&timer, period, HRTIMER_MODE_REL_PINNED_SOFT);
}

/* The fault handler */

static void spin(void)
{
	ktime_t end = ktime_add_us(ktime_get(), section.spin_us);

	while (ktime_before(ktime_get(), end))
		cpu_relax();
}

static bool preemptible_section(void)
{
#ifdef CONFIG_RISCV_ISA_V_PREEMPTIVE
	return current->thread.kernel_vstate.datap;
#else
	return false;
#endif
}

/* A section that must not run vector code behind a call of the scheduler if that left the unit off. */
static void scheduling_section(void)
{
	unsigned long switches = current->nvcsw;

	if (!preemptible_section())
		return;
	kernel_vector_begin();
	xor_load(blocks[0], blocks[1], blocks[2]);
	schedule_timeout_uninterruptible(1);
	if (current->nvcsw != switches) {	/* or the time was over before it could sleep */
		counters.schedule_runs++;
		counters.schedule_on += !!(csr_read(CSR_SSTATUS) & SR_VS);
	}
	kernel_vector_end();
}

/* Whether the unit is on and as xor_load left it; vector code behind what is not would be an illegal instruction. */
static bool as_loaded(void)
{
	return csr_read(CSR_SSTATUS) & SR_VS && get_vtype() == E8_M8_TA_MA && get_vl() == block_size;
}

static void spinning_section(void)
{
	u8 *to = kzalloc(block_size, GFP_KERNEL);
	unsigned long switches = current->nvcsw + current->nivcsw;

	if (!to)
		return;
	kernel_vector_begin();
	xor_load(blocks[0], blocks[1], blocks[2]);
	spin();
	if (as_loaded())
		xor_store(to);
	kernel_vector_end();
	counters.fault_runs++;
	counters.fault_switches += current->nvcsw + current->nivcsw != switches;
	counters.fault_bad += !!memcmp(to, blocks[BLOCKS - 1], block_size);
	kfree(to);
}

static vm_fault_t on_fault(struct vm_fault *fault)
{
	struct page *page = alloc_page(GFP_KERNEL | __GFP_ZERO);

	if (!page)
		return VM_FAULT_OOM;
	if (section.does == KVEC_SECTION_SCHEDULE)
		scheduling_section();
	else
		spinning_section();
	fault->page = page;
	return 0;
}

static const struct vm_operations_struct vm_ops = {.fault = on_fault};

static int on_mmap(struct file *file, struct vm_area_struct *vma)
{
	vma->vm_ops = &vm_ops;
	return 0;
}

/* What the registers hold */

static int look(struct kvec_look __user *user)
{
	struct kvec_look found;
	unsigned long flags, status;
	u8 *vregs = kzalloc(riscv_v_vsize, GFP_KERNEL);
	int error = vregs ? 0 : -ENOMEM;

	if (!error && copy_from_user(&found, user, sizeof(found)))
		error = -EFAULT;
	if (!error) {
		local_irq_save(flags);
		found.hgatp = csr_read(CSR_HGATP);
		found.hedeleg = csr_read(CSR_HEDELEG);
		found.sstatus = status = csr_read_set(CSR_SSTATUS, SR_VS);
		store_all(vregs);
		csr_write(CSR_SSTATUS, status);
		local_irq_restore(flags);
		if (copy_to_user(user, &found, sizeof(found)) ||
		    (found.vregs && copy_to_user((void __user *)found.vregs, vregs, riscv_v_vsize)))
			error = -EFAULT;
	}
	kfree(vregs);
	return error;
}

static int poke(const u8 __user *user)
{
	unsigned long flags, status;
	u8 *vregs = kzalloc(riscv_v_vsize, GFP_KERNEL);
	int error = vregs ? 0 : -ENOMEM;

	if (!error && copy_from_user(vregs, user, riscv_v_vsize))
		error = -EFAULT;
	if (!error) {
		local_irq_save(flags);
		status = csr_read_set(CSR_SSTATUS, SR_VS);
		load_all(vregs);
		csr_write(CSR_SSTATUS, status);
		local_irq_restore(flags);
	}
	kfree(vregs);
	return error;
}

static long on_ioctl(struct file *file, unsigned int call, unsigned long argument)
{
	void __user *user = (void __user *)argument;

	switch (call) {
	case KVEC_TIMER:
		set_timer(argument);
		return 0;
	case KVEC_SECTION:
		return copy_from_user(&section, user, sizeof(section)) ? -EFAULT : 0;
	case KVEC_COUNTERS:
		return copy_to_user(user, &counters, sizeof(counters)) ? -EFAULT : 0;
	case KVEC_SLEEP_LOOK:
		schedule_timeout_uninterruptible(msecs_to_jiffies(SLEEP_MS));
		return look(user);
	case KVEC_LOOK:
		return look(user);
	case KVEC_POKE:
		return poke(user);
	case KVEC_PREEMPTIBLE:
		return preemptible_section();
	}
	return -ENOTTY;
}

static const struct file_operations operations = {
	.owner = THIS_MODULE,
	.mmap = on_mmap,
	.unlocked_ioctl = on_ioctl,
};

static struct miscdevice device = {.minor = MISC_DYNAMIC_MINOR, .name = "kvec", .fops = &operations};

static int __init kvec_init(void)
{
	if (!has_vector())
		return -ENODEV;
	block_size = riscv_v_vsize / 4;
	for (int n = 0; n < BLOCKS; n++) {
		blocks[n] = kmalloc(block_size, GFP_KERNEL);
		if (!blocks[n])
			return -ENOMEM;	/* the program that loads it ends the machine then */
	}
	fill_blocks();
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 15, 0)
	hrtimer_setup(&timer, on_timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL_PINNED_SOFT);
#else
	hrtimer_init(&timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL_PINNED_SOFT);
	timer.function = on_timer;
#endif
	return misc_register(&device);
}
module_init(kvec_init);

MODULE_DESCRIPTION("kernel-mode vector code under KVM's feet");
MODULE_LICENSE("GPL");
