// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "host.h"
#include "trace.h"
#include "vm.h"

#define MEMORY_SIZE	0x80000
#define REPORT		0x08000001		/* SBI_REPORT of guest.h */
#define PUTCHAR		0x01

size_t vlenb, vsize;
int kvm = -1;

jmp_buf part_end;
bool part_can_end;

static long run_size;

void kvm_open(void)
{
	kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (kvm < 0)
		die("cannot open /dev/kvm: %s", strerror(errno));
	run_size = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	if (run_size < 0)
		die("KVM_GET_VCPU_MMAP_SIZE: %s", strerror(errno));
}

struct vm *vm_create(void)
{
	struct vm *vm = calloc(1, sizeof(*vm));
	struct kvm_userspace_memory_region slot = {.guest_phys_addr = GUEST_BASE, .memory_size = MEMORY_SIZE};

	vm->memory = mmap(NULL, MEMORY_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (vm->memory == MAP_FAILED)
		die("no memory for a guest: %s", strerror(errno));
	memcpy(vm->memory, guest_image, guest_image_end - guest_image);
	vm->fd = ioctl(kvm, KVM_CREATE_VM, 0);
	if (vm->fd < 0)
		die("KVM_CREATE_VM: %s", strerror(errno));
	slot.userspace_addr = (uintptr_t)vm->memory;
	if (ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &slot) < 0)
		die("KVM_SET_USER_MEMORY_REGION: %s", strerror(errno));
	return vm;
}

struct vcpu *vcpu_create(struct vm *vm, int id, int number)
{
	struct vcpu *vcpu = calloc(1, sizeof(*vcpu));

	vcpu->vm = vm;
	vcpu->id = id;
	vcpu->number = number;
	vcpu->mail = vm->memory + (GUEST_HEAP - GUEST_BASE) + id * MAIL_SIZE;
	vcpu->fd = ioctl(vm->fd, KVM_CREATE_VCPU, (unsigned long)id);
	if (vcpu->fd < 0)
		die("KVM_CREATE_VCPU: %s", strerror(errno));
	vcpu->run = mmap(NULL, run_size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu->fd, 0);
	if (vcpu->run == MAP_FAILED)
		die("no kvm_run: %s", strerror(errno));
	if (set(vcpu, ID(KVM_REG_RISCV_CORE, KVM_REG_SIZE_U64, KVM_REG_RISCV_CORE_REG(regs.pc)), GUEST_BASE) ||
	    set(vcpu, ID(KVM_REG_RISCV_CORE, KVM_REG_SIZE_U64, KVM_REG_RISCV_CORE_REG(regs.a0)), id))
		die("cannot set the guest's entry");
	return vcpu;
}

void vcpu_close(struct vcpu *vcpu)
{
	munmap(vcpu->run, run_size);
	close(vcpu->fd);
	close(vcpu->vm->fd);
	munmap(vcpu->vm->memory, MEMORY_SIZE);
	free(vcpu->vm);
	free(vcpu);
}

struct vcpu *new_vcpu(int number)
{
	return vcpu_create(vm_create(), 0, number);
}

struct vcpu *ready_vcpu(int number)
{
	struct vcpu *vcpu = new_vcpu(number);

	start(vcpu);
	COMMAND(vcpu, DRIVER_SET_VS, VS_INITIAL);
	return vcpu;
}

/* Running */

int enter(struct vcpu *vcpu)
{
	vcpu->runs++;
	if (vcpu->from_vector_code)
		return host_call(SYS_ioctl, vcpu->fd, KVM_RUN, 0) < 0 ? errno : 0;
	return ioctl(vcpu->fd, KVM_RUN, 0) < 0 ? errno : 0;
}

static void mmio_exit(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;

	vcpu->mmio++;
	if (vcpu->log_mmio) {
		row("exit_mmio");
		put_int("vcpu", vcpu->number);
		put_hex("gpa", run->mmio.phys_addr);
		put_int("len", run->mmio.len);
		put_int("write", run->mmio.is_write);
		put_bytes("data", run->mmio.data, sizeof(run->mmio.data));
		end_row();
	}
	if (!run->mmio.is_write)
		memcpy(run->mmio.data, vcpu->mmio_reply, sizeof(vcpu->mmio_reply));
}

/* It does not come back. */
static void run_failed(struct vcpu *vcpu, int error)
{
	if (!part_can_end || gettid() != getpid())
		die("KVM_RUN: %s", strerror(error));
	row("run_failed");
	put_int("vcpu", vcpu->number);
	put_errno(error);
	put_hex("pc", get_pc(vcpu));
	end_row();
	longjmp(part_end, 1);
}

int start(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;

	for (;;) {
		int error = enter(vcpu);

		if (error == EINTR) {
			vcpu->intr++;
			return CODE_INTR;
		}
		if (error)
			run_failed(vcpu, error);
		if (run->exit_reason == KVM_EXIT_RISCV_SBI && run->riscv_sbi.extension_id == REPORT) {
			run->riscv_sbi.ret[0] = 0;
			run->riscv_sbi.ret[1] = DRIVER_NOP;
			return run->riscv_sbi.args[0];
		}
		if (run->exit_reason == KVM_EXIT_RISCV_SBI && run->riscv_sbi.extension_id == PUTCHAR)
			run->riscv_sbi.ret[0] = run->riscv_sbi.ret[1] = 0;
		else if (run->exit_reason == KVM_EXIT_MMIO)
			mmio_exit(vcpu);
		else
			die("unexpected exit %u of vCPU %d", run->exit_reason, vcpu->number);
	}
}

void prepare(struct vcpu *vcpu, uint64_t number, const uint64_t args[4])
{
	memcpy(vcpu->mail + MAIL_ARG0, args, 4 * sizeof(args[0]));
	vcpu->run->riscv_sbi.ret[1] = number;
}

int command(struct vcpu *vcpu, uint64_t number, const uint64_t args[4])
{
	prepare(vcpu, number, args);
	return start(vcpu);
}

int execute(struct vcpu *vcpu, uint32_t first, uint32_t second)
{
	uint32_t *slot = (uint32_t *)(vcpu->vm->memory + (GUEST_SLOT - GUEST_BASE));

	slot[0] = first;
	slot[1] = second;
	for (int i = 2; i < DRIVER_SLOTS; i++)
		slot[i] = word_nop;
	return COMMAND(vcpu, DRIVER_EXECUTE);
}

int load(struct vcpu *vcpu, const uint8_t *vregs, const struct csrs *csrs)
{
	memcpy(buffer(vcpu), vregs, vsize);
	return COMMAND(vcpu, DRIVER_LOAD, csrs->vl, csrs->vtype, csrs->vcsr, csrs->vstart);
}

const char *code_name(int code)
{
	switch (code) {
	case CODE_INTR: return "INTR";
	case DRIVER_READY: return "REDY";
	case DRIVER_DONE: return "DONE";
	case DRIVER_TRAP: return "TRAP";
	}
	return "?";
}

uint64_t mail(const struct vcpu *vcpu, size_t field)
{
	uint64_t value;

	memcpy(&value, vcpu->mail + field, sizeof(value));
	return value;
}

/* One-reg */

uint64_t size_code(size_t size)
{
	return (uint64_t)__builtin_ctzl(size) << KVM_REG_SIZE_SHIFT;
}

uint64_t vreg_id(int number)
{
	return ID(KVM_REG_RISCV_VECTOR, size_code(vlenb), KVM_REG_RISCV_VECTOR_REG(number));
}

int one_reg(struct vcpu *vcpu, bool set, uint64_t id, const void *address)
{
	struct kvm_one_reg reg = {.id = id, .addr = (uintptr_t)address};

	return ioctl(vcpu->fd, set ? KVM_SET_ONE_REG : KVM_GET_ONE_REG, &reg) < 0 ? errno : 0;
}

uint64_t get(struct vcpu *vcpu, uint64_t id)
{
	uint64_t value = 0;
	int error = one_reg(vcpu, false, id, &value);

	if (error)
		die("KVM_GET_ONE_REG of %#lx: %s", id, strerror(error));
	return value;
}

uint64_t get_pc(struct vcpu *vcpu)
{
	return get(vcpu, ID(KVM_REG_RISCV_CORE, KVM_REG_SIZE_U64, KVM_REG_RISCV_CORE_REG(regs.pc)));
}

int set(struct vcpu *vcpu, uint64_t id, uint64_t value)
{
	return one_reg(vcpu, true, id, &value);
}

struct csrs get_csrs(struct vcpu *vcpu)
{
	struct csrs csrs;

	csrs.vstart = get(vcpu, CSR_ID(vstart));
	csrs.vl = get(vcpu, CSR_ID(vl));
	csrs.vtype = get(vcpu, CSR_ID(vtype));
	csrs.vcsr = get(vcpu, CSR_ID(vcsr));
	return csrs;
}

void get_vregs(struct vcpu *vcpu, uint8_t *vregs)
{
	for (int i = 0; i < VREGS; i++) {
		int error = one_reg(vcpu, false, vreg_id(i), vregs + i * vlenb);

		if (error)
			die("KVM_GET_ONE_REG of v%d: %s", i, strerror(error));
	}
}

int set_state(struct vcpu *vcpu, const uint8_t *vregs, const struct csrs *csrs)
{
	int error = 0;

	error = error ?: set(vcpu, CSR_ID(vstart), csrs->vstart);
	error = error ?: set(vcpu, CSR_ID(vl), csrs->vl);
	error = error ?: set(vcpu, CSR_ID(vtype), csrs->vtype);
	error = error ?: set(vcpu, CSR_ID(vcsr), csrs->vcsr);
	for (int i = 0; i < VREGS; i++)
		error = error ?: one_reg(vcpu, true, vreg_id(i), vregs + i * vlenb);
	return error;
}

struct kvm_reg_list *reg_list(struct vcpu *vcpu, size_t room, int *error)
{
	struct kvm_reg_list *list = calloc(1, sizeof(*list) + room * sizeof(list->reg[0]));

	list->n = room;
	*error = ioctl(vcpu->fd, KVM_GET_REG_LIST, list) < 0 ? errno : 0;
	return list;
}

/* Contents */

uint8_t *pattern(unsigned int seed)
{
	static uint8_t tables[4][MAX_VSIZE];
	static unsigned int turn;
	uint8_t *table = tables[turn++ % 4];

	for (unsigned int reg = 0; reg < VREGS; reg++)
		for (unsigned int at = 0; at < vlenb; at++)
			table[reg * vlenb + at] = seed * 53 + reg * 29 + at * 7 + (at >> 3) * 3 + 1;
	return table;
}

/* splitmix64 */
static uint64_t random_state;

void random_seed(uint64_t seed)
{
	random_state = seed;
}

uint64_t random64(void)
{
	uint64_t z = random_state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

uint64_t random_below(uint64_t bound)
{
	return random64() % bound;
}
