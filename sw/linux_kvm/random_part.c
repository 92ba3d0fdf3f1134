// SPDX-License-Identifier: Apache-2.0
/* A random walk over a few vCPUs: user space and guests change the vector state, and both look at it. */
#include "lines.h"

#define VCPUS	3

static uint64_t any_avl(void)
{
	switch (random_below(8)) {
	case 0: return random64();
	case 1: return random_below(16 * vlenb);
	}
	return random_below(vlenb);
}

static uint64_t any_vtype(void)
{
	switch (random_below(10)) {
	case 0: return random64();
	case 1: return 1UL << 63;
	case 2: return random_below(256);
	}
	return random_below(4) << 6 | random_below(4) << 3 | random_below(4);	/* integral LMUL */
}

static uint64_t any_vstart(void)
{
	return random_below(4) ? random_below(vlenb) : random_below(8) ? random_below(8 * vlenb) : random64();
}

static void step(unsigned int n, struct vcpu *vcpu, const char *op)
{
	row("step");
	put_int("n", n);
	put_int("vcpu", vcpu->number);
	put_str("op", op);
}

static void set_v(unsigned int n, struct vcpu *vcpu)
{
	uint64_t data[MAX_VLENB / 8];
	int reg = random_below(VREGS), error;

	for (size_t i = 0; i < vlenb / 8; i++)
		data[i] = random64();
	error = one_reg(vcpu, true, vreg_id(reg), data);
	step(n, vcpu, "set_v");
	put_int("reg", reg);
	put_bytes("data", data, vlenb);
	put_int("err", error);
	end_row();
}

static void set_csr(unsigned int n, struct vcpu *vcpu)
{
	static const char *const names[] = {"vstart", "vl", "vtype", "vcsr"};
	static const uint64_t ids[] = {CSR_ID(vstart), CSR_ID(vl), CSR_ID(vtype), CSR_ID(vcsr)};
	int which = random_below(4), error;
	uint64_t value;

	switch (which) {
	case 0: value = any_vstart(); break;
	case 1: value = any_avl(); break;
	case 2: value = any_vtype(); break;
	default: value = random_below(16);
	}
	error = set(vcpu, ids[which], value);
	step(n, vcpu, "set_csr");
	put_str("reg", names[which]);
	put_hex("value", value);
	put_int("err", error);
	end_row();
}

static void guest_load(unsigned int n, struct vcpu *vcpu)
{
	struct csrs csrs = {random_below(8 * vlenb), any_avl(), any_vtype(), random_below(8)};
	uint64_t vregs[MAX_VSIZE / 8];
	int code;

	for (size_t i = 0; i < vsize / 8; i++)
		vregs[i] = random64();
	code = load(vcpu, (const uint8_t *)vregs, &csrs);
	step(n, vcpu, "guest_load");
	put_hex("avl", csrs.vl);
	put_hex("vtype", csrs.vtype);
	put_int("vcsr", csrs.vcsr);
	put_int("vstart", csrs.vstart);
	put_str("code", code_name(code));
	put_int("rd", mail(vcpu, MAIL_RESULT));
	put_bytes("v", vregs, vsize);
	end_row();
}

static void guest_vsetvl(unsigned int n, struct vcpu *vcpu)
{
	uint64_t avl = any_avl(), vtype = any_vtype();
	int code = COMMAND(vcpu, DRIVER_VSETVL, avl, vtype);

	step(n, vcpu, "guest_vsetvl");
	put_hex("avl", avl);
	put_hex("vtype", vtype);
	put_str("code", code_name(code));
	put_int("rd", mail(vcpu, MAIL_RESULT));
	put_int("vl", mail(vcpu, MAIL_VL));
	put_hex("vtype_out", mail(vcpu, MAIL_VTYPE));
	end_row();
}

static void guest_csrw(unsigned int n, struct vcpu *vcpu)
{
	uint64_t vstart = any_vstart(), vcsr = random_below(32);
	int code = COMMAND(vcpu, DRIVER_CSRW, vstart, vcsr);

	step(n, vcpu, "guest_csrw");
	put_hex("vstart", vstart);
	put_int("vcsr", vcsr);
	put_str("code", code_name(code));
	end_row();
}

static void run_novec(unsigned int n, struct vcpu *vcpu)
{
	int code = COMMAND(vcpu, DRIVER_NOP);

	step(n, vcpu, "run_novec");
	put_str("code", code_name(code));
	end_row();
}

static uint64_t seed;
static unsigned int steps;

void random_steps(uint64_t from, unsigned int count)
{
	seed = from;
	steps = count;
}

void part_random(void)
{
	struct vcpu *vcpus[VCPUS];

	trace_part("random");
	for (int i = 0; i < VCPUS; i++)
		vcpus[i] = ready_vcpu(i);
	row("random_begin");
	put_int("seed", seed);
	put_int("steps", steps);
	put_int("vcpus", VCPUS);
	put_int("vlenb", vlenb);
	end_row();
	for (unsigned int n = 0; n < steps; n++) {
		struct vcpu *vcpu = vcpus[random_below(VCPUS)];

		switch (random_below(10)) {
		case 0: set_v(n, vcpu); break;
		case 1: case 2: set_csr(n, vcpu); break;
		case 3: guest_load(n, vcpu); break;
		case 4: guest_vsetvl(n, vcpu); break;
		case 5: guest_csrw(n, vcpu); break;
		case 6: run_novec(n, vcpu); break;
		case 7: guest_dump(vcpu, "step", true); break;
		default: onereg_state(vcpu, "step");
		}
	}
	for (int i = 0; i < VCPUS; i++)
		onereg_state(vcpus[i], "final");
}
