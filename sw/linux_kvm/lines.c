// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "lines.h"

static unsigned int vs_of(uint64_t sstatus)
{
	return (sstatus & SR_VS) >> SR_VS_SHIFT;
}

unsigned int any_seed(void)
{
	return random_below(256);
}

void put_csrs(const struct csrs *csrs)
{
	put_hex("vstart", csrs->vstart);
	put_hex("vl", csrs->vl);
	put_hex("vtype", csrs->vtype);
	put_hex("vcsr", csrs->vcsr);
}

void set_all(struct vcpu *vcpu, unsigned int seed, const struct csrs *csrs)
{
	int error = set_state(vcpu, pattern(seed), csrs);
	uint8_t vregs[MAX_VSIZE];

	get_vregs(vcpu, vregs);
	row("set_all");
	put_int("vcpu", vcpu->number);
	put_int("seed", seed);
	put_csrs(csrs);
	put_int("err", error);
	put_fnv("fnv", vregs, vsize);
	end_row();
}

void onereg_state(struct vcpu *vcpu, const char *note)
{
	struct csrs csrs = get_csrs(vcpu);
	uint8_t vregs[MAX_VSIZE];

	get_vregs(vcpu, vregs);
	row("onereg_state");
	put_int("vcpu", vcpu->number);
	put_str("note", note);
	put_csrs(&csrs);
	put_int("vlenb", get(vcpu, CSR_ID(vlenb)));
	put_hex("vsstatus", get(vcpu, VSSTATUS_ID) & ~VSSTATUS_SD);
	put_int("err", 0);			/* get() and get_vregs() end the run otherwise */
	put_fnv("fnv", vregs, vsize);
	put_bytes("v", vregs, vsize);
	end_row();
}

void guest_dump_of(struct vcpu *vcpu, const char *note, bool all, int code)
{
	uint64_t before = mail(vcpu, MAIL_SSTATUS_IN);

	row("guest_dump");
	put_int("vcpu", vcpu->number);
	put_str("note", note);
	put_str("code", code_name(code));
	put_hex("sstatus_in", before);
	put_int("vs_in", vs_of(before));
	put_int("vs_out", vs_of(mail(vcpu, MAIL_SSTATUS_OUT)));
	put_hex("vstart", mail(vcpu, MAIL_VSTART));
	put_hex("vl", mail(vcpu, MAIL_VL));
	put_hex("vtype", mail(vcpu, MAIL_VTYPE));
	put_hex("vcsr", mail(vcpu, MAIL_VCSR));
	put_int("vlenb", mail(vcpu, MAIL_VLENB));
	put_int("vxrm", mail(vcpu, MAIL_VXRM));
	put_int("vxsat", mail(vcpu, MAIL_VXSAT));
	put_fnv("fnv", buffer(vcpu), vsize);
	put_bytes("v", buffer(vcpu), all ? vsize : 0);
	end_row();
}

void guest_dump(struct vcpu *vcpu, const char *note, bool all)
{
	guest_dump_of(vcpu, note, all, COMMAND(vcpu, all ? DRIVER_DUMP : DRIVER_CSRS));
}

void guest_result(struct vcpu *vcpu, const char *note, int code)
{
	bool trapped = code == DRIVER_TRAP;

	row("guest_result");
	put_int("vcpu", vcpu->number);
	put_str("note", note);
	put_str("code", code_name(code));
	put_hex("scause", trapped ? mail(vcpu, MAIL_SCAUSE) : 0);
	put_hex("stval", trapped ? mail(vcpu, MAIL_STVAL) : 0);
	put_int("vs", vs_of(mail(vcpu, MAIL_SSTATUS_OUT)));
	end_row();
}

void first_run(struct vcpu *vcpu, bool numbered)
{
	int code = start(vcpu);

	row("first_run");
	if (numbered)
		put_int("vcpu", vcpu->number);
	put_str("code", code_name(code));
	put_hex("a0_sstatus", mail(vcpu, MAIL_SSTATUS_IN));
	end_row();
}

void one_reg_get(struct vcpu *vcpu, uint64_t id, size_t size, const char *note)
{
	static const uint8_t fills[2] = {0xa5, 0x5a};	/* no byte of a register equals both */
	uint8_t buffers[2][MAX_VLENB * 2];
	size_t touched = 0;
	int error = 0;

	for (int i = 0; i < 2; i++) {
		memset(buffers[i], fills[i], sizeof(buffers[i]));
		error = one_reg(vcpu, false, id, buffers[i]);
	}
	for (size_t at = 0; at < sizeof(buffers[0]); at++)
		touched += buffers[0][at] != fills[0] || buffers[1][at] != fills[1];
	row("one_reg");
	put_str("op", "get");
	put_hex("id", id);
	put_int("size", size);
	put_bytes("data", buffers[0], error ? 0 : size);
	put_errno(error);
	put_int("touched", touched);
	put_str("note", note);
	end_row();
}

void one_reg_set(struct vcpu *vcpu, uint64_t id, const void *data, size_t size, const char *note)
{
	uint8_t copy[MAX_VLENB * 2] = {0};
	size_t touched = 0;
	int error;

	memcpy(copy, data, size);
	error = one_reg(vcpu, true, id, copy);
	for (size_t at = 0; at < size; at++)
		touched += copy[at] != ((const uint8_t *)data)[at];
	row("one_reg");
	put_str("op", "set");
	put_hex("id", id);
	put_int("size", size);
	put_bytes("data", data, size);
	put_errno(error);
	put_int("touched", touched);
	put_str("note", note);
	end_row();
}

void one_reg_set64(struct vcpu *vcpu, uint64_t id, uint64_t value, const char *note)
{
	one_reg_set(vcpu, id, &value, sizeof(value), note);
}

static unsigned int type_of(uint64_t id)
{
	return (id & KVM_REG_RISCV_TYPE_MASK) >> KVM_REG_RISCV_TYPE_SHIFT;
}

void reg_list_line(struct vcpu *vcpu, const char *note)
{
	long by_type[11] = {0};
	int probe_error, error;
	struct kvm_reg_list *probe = reg_list(vcpu, 0, &probe_error);
	struct kvm_reg_list *list = reg_list(vcpu, probe->n, &error);

	for (uint64_t i = 0; i < list->n; i++)
		if (type_of(list->reg[i]) < 11)
			by_type[type_of(list->reg[i])]++;
	row("reg_list");
	put_str("note", note);
	put_str("probe_err", errno_name(probe_error));
	put_int("probe_n", probe->n);
	put_str("err", errno_name(error));
	put_int("n", list->n);
	put_int("vector", by_type[KVM_REG_RISCV_VECTOR >> KVM_REG_RISCV_TYPE_SHIFT]);
	put_list("by_type", by_type, 11);
	end_row();
	free(probe);
	free(list);
}

void reg_lines(struct vcpu *vcpu)
{
	int error;
	struct kvm_reg_list *probe = reg_list(vcpu, 0, &error), *list = reg_list(vcpu, probe->n, &error);

	for (uint64_t i = 0; i < list->n; i++) {
		uint64_t id = list->reg[i];

		row("reg");
		put_int("idx", i);
		put_hex("id", id);
		put_int("type", type_of(id));
		if (type_of(id) == KVM_REG_RISCV_ISA_EXT >> KVM_REG_RISCV_TYPE_SHIFT) {
			put_int("isa_ext", id & 0xffffff);
			put_int("value", get(vcpu, id));
		} else {
			put_int("num", id & 0xffffff);
			put_int("size", 1L << ((id & KVM_REG_SIZE_MASK) >> KVM_REG_SIZE_SHIFT));
		}
		end_row();
	}
	free(probe);
	free(list);
}

void isa_bits(struct vcpu *vcpu)
{
	row("isa_bits");
	put_int("err", 0);
	put_hex("isa", get(vcpu, CONFIG_ISA));
	put_int("V", get(vcpu, ISA_ID(KVM_RISCV_ISA_EXT_V)));
	end_row();
}

void mp_state(struct vcpu *vcpu)
{
	struct kvm_mp_state state = {0};
	int error = ioctl(vcpu->fd, KVM_GET_MP_STATE, &state) < 0 ? errno : 0;

	row("mp_state");
	put_int("vcpu", vcpu->number);
	put_int("err", error);
	put_int("state", state.mp_state);
	end_row();
}
