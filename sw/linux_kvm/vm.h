// SPDX-License-Identifier: Apache-2.0
/*
 * /dev/kvm as user space drives it: VMs that hold the driver guest (sw/guests/driver.S), their vCPUs, the commands that
 * the guest takes, and registers by KVM_GET_ONE_REG and KVM_SET_ONE_REG.
 */
#ifndef VCTX_VM_H
#define VCTX_VM_H

#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/kvm.h>

#include "../guests/driver.h"

#define VREGS		32
#define MAX_VLENB	128			/* VLEN 1024, the emulator's limit */
#define MAX_VSIZE	(VREGS * MAX_VLENB)

#define SR_VS		0x600UL
#define SR_VS_SHIFT	9
#define VS_INITIAL	1

/* How a command ended; the values above 0 are those of driver.h. */
#define CODE_INTR	0			/* a signal came first */

struct vm {
	int fd;
	uint8_t *memory;
};

struct vcpu {
	struct vm *vm;
	int fd, id;
	int number;				/* `vcpu` of its lines */
	struct kvm_run *run;
	uint8_t *mail;
	uint8_t mmio_reply[8];
	bool log_mmio;				/* an exit_mmio line for each such exit */
	bool from_vector_code;			/* KVM_RUN is called by vector code, see host_call */
	int runs, intr, mmio;
};

struct csrs {
	uint64_t vstart, vl, vtype, vcsr;
};

extern size_t vlenb, vsize;			/* of the host: VLEN/8, and 32 times that */
extern int kvm;

void kvm_open(void);

struct vm *vm_create(void);
struct vcpu *vcpu_create(struct vm *vm, int id, int number);
void vcpu_close(struct vcpu *vcpu);		/* with its VM */
struct vcpu *new_vcpu(int number);		/* in a VM of its own */
struct vcpu *ready_vcpu(int number);		/* that has reported once, and set its VS to Initial */

/*
 * Where the first thread of a process goes on when KVM_RUN fails and a line has said so: with the next part. A process
 * that has no such place ends the machine.
 */
extern jmp_buf part_end;
extern bool part_can_end;

/* Running the guest until it reports; the result is CODE_INTR or DRIVER_READY, _DONE or _TRAP. */
int start(struct vcpu *vcpu);
int command(struct vcpu *vcpu, uint64_t number, const uint64_t args[4]);
void prepare(struct vcpu *vcpu, uint64_t number, const uint64_t args[4]);	/* a command, without running it */
int enter(struct vcpu *vcpu);			/* one KVM_RUN; returns the errno */
#define COMMAND(vcpu, number, ...) command(vcpu, number, (const uint64_t[4]){__VA_ARGS__})
int execute(struct vcpu *vcpu, uint32_t first, uint32_t second);
int load(struct vcpu *vcpu, const uint8_t *vregs, const struct csrs *csrs);
const char *code_name(int code);

uint64_t mail(const struct vcpu *vcpu, size_t field);
static inline uint8_t *buffer(const struct vcpu *vcpu)
{
	return vcpu->mail + MAIL_BUFFER;
}

/* One-reg. The calls that return int return the errno. */
#define ID(type, size, number)	(KVM_REG_RISCV | (uint64_t)(size) | (type) | (number))
#define CSR_ID(name)		ID(KVM_REG_RISCV_VECTOR, KVM_REG_SIZE_U64, KVM_REG_RISCV_VECTOR_CSR_REG(name))
#define ISA_ID(number)		ID(KVM_REG_RISCV_ISA_EXT, KVM_REG_SIZE_U64, number)
#define CONFIG_ISA		ID(KVM_REG_RISCV_CONFIG, KVM_REG_SIZE_U64, KVM_REG_RISCV_CONFIG_REG(isa))
#define VSSTATUS_ID		ID(KVM_REG_RISCV_CSR, KVM_REG_SIZE_U64, KVM_REG_RISCV_CSR_REG(sstatus))
#define VSSTATUS_SD		(1UL << 63)	/* derived, and not in what the register holds */

uint64_t size_code(size_t size);		/* of a register of `size` bytes */
uint64_t vreg_id(int number);
int one_reg(struct vcpu *vcpu, bool set, uint64_t id, const void *address);
uint64_t get(struct vcpu *vcpu, uint64_t id);	/* must succeed */
int set(struct vcpu *vcpu, uint64_t id, uint64_t value);
uint64_t get_pc(struct vcpu *vcpu);
struct csrs get_csrs(struct vcpu *vcpu);
void get_vregs(struct vcpu *vcpu, uint8_t *vregs);
int set_state(struct vcpu *vcpu, const uint8_t *vregs, const struct csrs *csrs);
struct kvm_reg_list *reg_list(struct vcpu *vcpu, size_t room, int *error);

/* What recordings put into v0 to v31 for a seed; a table of its own for each call of up to four. */
uint8_t *pattern(unsigned int seed);

/* Random numbers from the seed of the kernel command line. */
void random_seed(uint64_t seed);
uint64_t random64(void);
uint64_t random_below(uint64_t bound);

#endif
