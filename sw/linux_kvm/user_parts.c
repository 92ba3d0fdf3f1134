// SPDX-License-Identifier: Apache-2.0
/* Parts about user space: the register list, one-reg with its errors and addresses, and the guest's ISA. */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "host.h"
#include "lines.h"

#define ISA_V		KVM_RISCV_ISA_EXT_V
#define MULTI(op)	ID(KVM_REG_RISCV_ISA_EXT, KVM_REG_SIZE_U64, KVM_REG_RISCV_ISA_MULTI_##op | ISA_V / 64)
#define DATAP		5			/* number that a pointer of the kernel's has, and nobody may use */
#define PAGE		4096
#define SHORT_LIST	5

#define VECTOR_ID(code, number)	(KVM_REG_RISCV | (code) | KVM_REG_RISCV_VECTOR | (number))

static void vregs_and_csrs(struct vcpu *vcpu)
{
	static const uint64_t values[] = {0, 1, 7, 8, 0x1f, 0x20, 0x100, INT64_MAX, 1UL << 63, ~0UL};
	static const struct {
		uint64_t id;
		const char *name;
	} csrs[] = {
		{CSR_ID(vstart), "vstart"}, {CSR_ID(vl), "vl"}, {CSR_ID(vtype), "vtype"}, {CSR_ID(vcsr), "vcsr"},
	};
	const uint8_t *table = pattern(any_seed());

	for (int i = 0; i < VREGS; i++) {
		one_reg_set(vcpu, vreg_id(i), table + i * vlenb, vlenb, "v");
		one_reg_get(vcpu, vreg_id(i), vlenb, "v");
	}
	for (size_t c = 0; c < sizeof(csrs) / sizeof(csrs[0]); c++) {
		for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
			one_reg_set64(vcpu, csrs[c].id, values[i], csrs[c].name);
			one_reg_get(vcpu, csrs[c].id, 8, csrs[c].name);
		}
		one_reg_set64(vcpu, csrs[c].id, random64(), csrs[c].name);
		one_reg_get(vcpu, csrs[c].id, 8, csrs[c].name);
	}
	one_reg_get(vcpu, CSR_ID(vlenb), 8, "vlenb");
	one_reg_set64(vcpu, CSR_ID(vlenb), 0, "vlenb");
	for (uint64_t value = 1; value <= 256; value *= 2)
		one_reg_set64(vcpu, CSR_ID(vlenb), value, "vlenb");
	one_reg_set64(vcpu, CSR_ID(vlenb), 1UL << 32 | vlenb, "vlenb");
	one_reg_set64(vcpu, CSR_ID(vlenb), ~0UL, "vlenb");
	one_reg_set64(vcpu, CSR_ID(vlenb), random64() | 1, "vlenb");
	one_reg_get(vcpu, CSR_ID(vlenb), 8, "vlenb");
}

/* The same odd id as a get and as a set of zeros. */
static void odd_id(struct vcpu *vcpu, bool set, uint64_t id, size_t size, const char *note)
{
	static const uint8_t zeros[MAX_VLENB * 2];

	if (set)
		one_reg_set(vcpu, id, zeros, size, note);
	else
		one_reg_get(vcpu, id, size, note);
}

static void odd_ids(struct vcpu *vcpu, bool set)
{
	uint64_t own = size_code(vlenb), u64 = KVM_REG_SIZE_U64, u32 = KVM_REG_SIZE_U32, v0 = vreg_id(0);

	odd_id(vcpu, set, VECTOR_ID(u64, DATAP), 8, "datap");
	odd_id(vcpu, set, VECTOR_ID(u32, DATAP), 4, "datap u32");
	odd_id(vcpu, set, VECTOR_ID(own, 38), vlenb, "num=38 (one past v31), vreg size");
	odd_id(vcpu, set, VECTOR_ID(u64, 38), 8, "num=38, u64");
	odd_id(vcpu, set, VECTOR_ID(u32, 38), 4, "num=38 u32");
	odd_id(vcpu, set, VECTOR_ID(u64, 39), 8, "num=39, u64");
	odd_id(vcpu, set, VECTOR_ID(own, 0xffff), vlenb, "num=0xffff");
	odd_id(vcpu, set, v0 | 0x10000, vlenb, "num=0x10006 (subtype bit)");
	odd_id(vcpu, set, v0 | 0x100000, vlenb, "num=0x100006");
	odd_id(vcpu, set, v0 | 1UL << 31, vlenb, "bit31 set | v0");
	odd_id(vcpu, set, v0 | 1UL << 32, vlenb, "bit32 set | v0");
	odd_id(vcpu, set, v0 | 1UL << 51, vlenb, "bit51 set | v0");
	odd_id(vcpu, set, 0x0f00000000000000 | VECTOR_ID(own, 0), vlenb, "arch bits 0x8f");
	odd_id(vcpu, set, (v0 & ~KVM_REG_ARCH_MASK) | KVM_REG_X86, vlenb, "arch=x86 | v0");
	odd_id(vcpu, set, v0 & ~KVM_REG_ARCH_MASK, vlenb, "arch=0 | v0");
	odd_id(vcpu, set, KVM_REG_RISCV | own | 0x0b000006, vlenb, "type 0x0b");
	odd_id(vcpu, set, KVM_REG_RISCV | own | 0xff000006, vlenb, "type 0xff");
	for (uint64_t code = 0; code < 16; code++) {
		uint64_t bits = code << KVM_REG_SIZE_SHIFT;
		size_t size = code <= 8 ? 1 << code : 8;	/* a size is refused before anything is copied */

		odd_id(vcpu, set, VECTOR_ID(bits, KVM_REG_RISCV_VECTOR_REG(0)), size, "v0, each size code");
		odd_id(vcpu, set, VECTOR_ID(bits, KVM_REG_RISCV_VECTOR_CSR_REG(vstart)), size, "vstart, each size code");
		odd_id(vcpu, set, VECTOR_ID(bits, KVM_REG_RISCV_VECTOR_CSR_REG(vlenb)), size, "vlenb, each size code");
	}
	for (int i = 0; i < 16; i++) {
		uint64_t code = random_below(9);

		odd_id(vcpu, set, VECTOR_ID(code << KVM_REG_SIZE_SHIFT, random_below(64)), 1 << code, "any");
	}
}

static void addresses(struct vcpu *vcpu)
{
	char *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *unmapped = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	const struct {
		const char *name;
		void *address;
	} where[] = {
		{"null", NULL}, {"unmapped", unmapped}, {"kernel", (void *)0xffffffff80000000}, {"readonly", page},
	};
	const struct {
		const char *name;
		uint64_t id;
	} regs[] = {{"v3", vreg_id(3)}, {"vl", CSR_ID(vl)}, {"vlenb", CSR_ID(vlenb)}};

	munmap(unmapped, PAGE);
	mprotect(page, PAGE, PROT_READ);
	for (int w = 0; w < 4; w++)
		for (int op = 0; op < 2; op++)
			for (int r = 0; r < 3; r++) {
				row("bad_addr");
				put_str("op", op ? "set" : "get");
				put_str("reg", regs[r].name);
				put_str("addr", where[w].name);
				put_errno(one_reg(vcpu, op, regs[r].id, where[w].address));
				end_row();
			}
	munmap(page, PAGE);
}

static void partial_fault(struct vcpu *vcpu)
{
	uint8_t *pages = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint8_t *half = pages + PAGE - vlenb / 2, before[MAX_VLENB], after[MAX_VLENB];
	uint64_t id = vreg_id(4);

	munmap(pages + PAGE, PAGE);
	for (int op = 1; op >= 0; op--) {
		int error;

		memset(half, 0x5a, vlenb / 2);
		one_reg(vcpu, false, id, before);
		error = one_reg(vcpu, op, id, half);
		one_reg(vcpu, false, id, after);
		row("partial_fault");
		put_str("op", op ? "set" : "get");
		put_str("reg", "v4");
		put_errno(error);
		put_bytes("before", before, vlenb);
		put_bytes("after", after, vlenb);
		end_row();
	}
	munmap(pages, PAGE);
}

static void short_list(struct vcpu *vcpu)
{
	int error;
	struct kvm_reg_list *list = reg_list(vcpu, SHORT_LIST, &error);

	row("reg_list_small");
	put_errno(error);
	put_int("n", list->n);
	end_row();
}

void part_onereg(void)
{
	struct vcpu *vcpu = new_vcpu(0);
#define CONFIG(name) get(vcpu, ID(KVM_REG_RISCV_CONFIG, KVM_REG_SIZE_U64, KVM_REG_RISCV_CONFIG_REG(name)))

	trace_part("onereg");
	row("cfg");
	put_hex("isa", CONFIG(isa));
	put_hex("mvendorid", CONFIG(mvendorid));
	put_hex("marchid", CONFIG(marchid));
	put_hex("mimpid", CONFIG(mimpid));
	put_int("satp_mode", CONFIG(satp_mode));
	put_int("isa_v", get(vcpu, ISA_ID(ISA_V)));
	end_row();
	reg_lines(vcpu);
	reg_list_line(vcpu, "fresh");
	mp_state(vcpu);
	onereg_state(vcpu, "fresh");
	vregs_and_csrs(vcpu);
	odd_ids(vcpu, false);
	odd_ids(vcpu, true);
	addresses(vcpu);
	partial_fault(vcpu);
	short_list(vcpu);
}

static void v_is(struct vcpu *vcpu, const char *note)
{
	one_reg_get(vcpu, ISA_ID(ISA_V), 8, note);
}

static void set_v(struct vcpu *vcpu, uint64_t value, const char *note)
{
	one_reg_set64(vcpu, ISA_ID(ISA_V), value, note);
}

static void immediate_exit(struct vcpu *vcpu)
{
	int error;

	vcpu->run->immediate_exit = 1;
	error = enter(vcpu);
	vcpu->run->immediate_exit = 0;
	row("run_immediate_exit");
	put_errno(error);
	end_row();
}

void part_isa_v(void)
{
	struct vcpu *vcpu = new_vcpu(0);
	uint64_t isa = get(vcpu, CONFIG_ISA), bit = 1UL << ('v' - 'a');

	trace_part("isa_v");
	v_is(vcpu, "V before");
	SET_ALL(vcpu, any_seed(), .vl = 4, .vtype = 0xd0);
	set_v(vcpu, 2, "V=2");
	v_is(vcpu, "V after V=2");
	set_v(vcpu, 1, "V=1 (same)");
	set_v(vcpu, 0, "V=0 before first run");
	isa_bits(vcpu);
	reg_list_line(vcpu, "V disabled");
	one_reg_get(vcpu, vreg_id(0), vlenb, "v0 with V disabled");
	one_reg_get(vcpu, CSR_ID(vlenb), 8, "vlenb with V disabled");
	one_reg_set64(vcpu, CSR_ID(vl), 1, "vl with V disabled");
	one_reg_set64(vcpu, CSR_ID(vlenb), vlenb, "vlenb with V disabled");
	one_reg_get(vcpu, VECTOR_ID(KVM_REG_SIZE_U64, DATAP), 8, "datap with V disabled");
	set_v(vcpu, 1, "V=1 again before first run");
	reg_list_line(vcpu, "V enabled again");
	onereg_state(vcpu, "after V off/on: contents kept?");
	one_reg_set64(vcpu, MULTI(DIS), 1UL << ISA_V % 64, "MULTI_DIS V");
	v_is(vcpu, "V after MULTI_DIS");
	one_reg_set64(vcpu, MULTI(EN), 1UL << ISA_V % 64, "MULTI_EN V");
	v_is(vcpu, "V after MULTI_EN");
	one_reg_set64(vcpu, CONFIG_ISA, isa & ~bit, "config.isa without v");
	isa_bits(vcpu);
	one_reg_set64(vcpu, CONFIG_ISA, isa, "config.isa restored");
	isa_bits(vcpu);
	SET_ALL(vcpu, any_seed(), .vl = 9999, .vtype = 0xd0, .vcsr = 0xff, .vstart = 0x12345);
	immediate_exit(vcpu);
	onereg_state(vcpu, "after KVM_RUN with immediate_exit");
	set_v(vcpu, 0, "V=0 after immediate_exit run");
	first_run(vcpu, false);
	set_v(vcpu, 1, "V=1 (same) after first run");
	set_v(vcpu, 0, "V=0 after first run");
	set_v(vcpu, 2, "V=2 after first run");
	one_reg_set64(vcpu, MULTI(DIS), 1UL << ISA_V % 64, "MULTI_DIS V after first run");
	v_is(vcpu, "V after");
	one_reg_set64(vcpu, CONFIG_ISA, isa & ~bit, "config.isa without v after first run");
	one_reg_set64(vcpu, CONFIG_ISA, isa, "config.isa same after first run");
	one_reg_set64(vcpu, CSR_ID(vlenb), vlenb, "vlenb after first run");
	one_reg_set64(vcpu, CSR_ID(vlenb), 2 * vlenb, "other vlenb after first run");
	for (int i = KVM_RISCV_ISA_EXT_ZVBB; i <= KVM_RISCV_ISA_EXT_ZVKT; i++)
		one_reg_get(vcpu, ISA_ID(i), 8, "Zv*");
	one_reg_get(vcpu, ISA_ID(KVM_RISCV_ISA_EXT_ZVFH), 8, "Zvfh");
	one_reg_get(vcpu, ISA_ID(KVM_RISCV_ISA_EXT_ZVFHMIN), 8, "Zvfhmin");
}

/* CSR registers: those of subtypes that few guests have, numbers that none has, and what a reset leaves. */
void part_csr_ids(void)
{
	struct vcpu *vcpu = new_vcpu(0);
	const uint64_t odd[] = {
		KVM_REG_RISCV_CSR_SMSTATEEN, KVM_REG_RISCV_CSR_SMSTATEEN | 1,
		KVM_REG_RISCV_CSR_SMSTATEEN | KVM_REG_RISCV_CSR_AIA, 0xff,	/* the first is Zicfiss's, from 7.3 on */
	};

	trace_part("csr_ids");
	one_reg_get(vcpu, ID(KVM_REG_RISCV_CSR, KVM_REG_SIZE_U64, KVM_REG_RISCV_CSR_REG(scounteren)), 8, "scounteren");
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		uint64_t id = ID(KVM_REG_RISCV_CSR, KVM_REG_SIZE_U64, odd[i]);

		one_reg_get(vcpu, id, 8, "odd CSR");
		one_reg_set64(vcpu, id, 0, "odd CSR");
		row("bad_addr");
		put_str("op", "set");
		put_hex("reg", id);
		put_str("addr", "null");
		put_errno(one_reg(vcpu, true, id, NULL));
		end_row();
	}
}

void part_host_without_v(void)
{
	struct vcpu *vcpu = new_vcpu(0);

	trace_part("host_without_v");
	reg_lines(vcpu);
	reg_list_line(vcpu, "host without V");
	v_is(vcpu, "V");
	set_v(vcpu, 0, "V=0");
	set_v(vcpu, 1, "V=1");
	one_reg_get(vcpu, VECTOR_ID(size_code(16), KVM_REG_RISCV_VECTOR_REG(0)), 16, "v0 as u128");
	one_reg_get(vcpu, CSR_ID(vlenb), 8, "vlenb");
	one_reg_set64(vcpu, CSR_ID(vlenb), vlenb, "vlenb=16");
	one_reg_set64(vcpu, CSR_ID(vl), 1, "vl");
	one_reg_get(vcpu, VECTOR_ID(KVM_REG_SIZE_U64, DATAP), 8, "datap");
	one_reg_get(vcpu, VECTOR_ID(KVM_REG_SIZE_U8, KVM_REG_RISCV_VECTOR_CSR_REG(vstart)), 1, "vstart u8");
	first_run(vcpu, false);
	guest_result(vcpu, "sstatus.VS=1", COMMAND(vcpu, DRIVER_SET_VS, VS_INITIAL));
	guest_result(vcpu, "vector csr read", execute(vcpu, word_csrr_vstart, word_nop));
}
