// SPDX-License-Identifier: Apache-2.0
/* Parts about the guest: what it does and sees in VS-mode, and what user space reads afterwards. */
#include <string.h>

#include "host.h"
#include "lines.h"

#define MMIO		0x10000000UL
#define HOST_SEED	77			/* of the process that runs the guest without V */
#define E32_M1_TA_MA	0xd0
#define E32_M1_TU_MU	0x10
#define VILL		(1UL << 63)

static const uint64_t ALL = ~0UL;

void part_v_disabled_guest(void)
{
	struct vcpu *vcpu = new_vcpu(0);
	int code;

	trace_part("v_disabled_guest");
	one_reg_set64(vcpu, ISA_ID(KVM_RISCV_ISA_EXT_V), 0, "V=0");
	first_run(vcpu, false);
	guest_result(vcpu, "csrr vector csrs with VS as after reset", execute(vcpu, word_csrr_vstart, word_nop));
	guest_result(vcpu, "sstatus.VS=1", COMMAND(vcpu, DRIVER_SET_VS, VS_INITIAL));
	vcpu->from_vector_code = true;
	code = COMMAND(vcpu, DRIVER_DUMP);
	row("run");
	put_int("rc", 0);
	put_int("reason", vcpu->run->exit_reason);
	put_str("code", code_name(code));
	put_fnv("host_in_fnv", pattern(HOST_SEED), vsize);
	end_row();
	guest_dump_of(vcpu, "dump with V disabled", true, code);
	guest_result(vcpu, "load v regs with V disabled", load(vcpu, pattern(1), &(struct csrs){.vl = 1}));
	guest_dump(vcpu, "dump after load (does V-disabled guest state survive an exit?)", true);
}

static void own_state(struct vcpu *vcpu)
{
	unsigned int seed = any_seed();
	struct csrs csrs = {.vstart = 2, .vl = 5, .vtype = 0xd1, .vcsr = 3};
	int code;

	set_all(vcpu, seed, &csrs);
	onereg_state(vcpu, "before first run");
	first_run(vcpu, false);
	onereg_state(vcpu, "after first run (guest touched no vector state)");
	guest_result(vcpu, "vector csr read with vsstatus.VS as after reset", execute(vcpu, word_csrr_vstart, word_nop));
	guest_result(vcpu, "set VS=Initial", COMMAND(vcpu, DRIVER_SET_VS, VS_INITIAL));
	guest_dump(vcpu, "csrs as seen by the guest", false);
	onereg_state(vcpu, "after csr reads only");
	guest_dump(vcpu, "full dump of state set by ONE_REG", true);
	onereg_state(vcpu, "after guest dump");

	code = COMMAND(vcpu, DRIVER_STORE);
	row("vse");
	put_str("code", code_name(code));
	put_int("vs_before", (mail(vcpu, MAIL_SSTATUS_IN) & SR_VS) >> SR_VS_SHIFT);
	put_int("vs_after", (mail(vcpu, MAIL_SSTATUS_OUT) & SR_VS) >> SR_VS_SHIFT);
	put_bytes("v0", buffer(vcpu), vlenb);
	end_row();

	seed = any_seed();
	csrs = (struct csrs){.vstart = 3, .vl = 6, .vtype = 0xc9, .vcsr = 5};
	code = load(vcpu, pattern(seed), &csrs);
	row("guest_load");
	put_str("code", code_name(code));
	put_int("seed", seed);
	put_int("rd", mail(vcpu, MAIL_RESULT));
	put_int("vs_out", (mail(vcpu, MAIL_SSTATUS_OUT) & SR_VS) >> SR_VS_SHIFT);
	end_row();
	onereg_state(vcpu, "after guest load (vl 6, vtype 0xc9, vcsr 5, vstart 3)");
	guest_dump(vcpu, "re-read by the guest", true);
}

/* Exits to user space, with the vector state of before. */
static void exits(struct vcpu *vcpu)
{
	uint64_t reply = random64();
	int code;

	vcpu->log_mmio = true;
	memcpy(vcpu->mmio_reply, &reply, sizeof(reply));
	code = COMMAND(vcpu, DRIVER_MMIO, MMIO, random64());
	vcpu->log_mmio = false;
	row("mmio");
	put_str("code", code_name(code));
	put_hex("read", mail(vcpu, MAIL_RESULT));
	end_row();
	onereg_state(vcpu, "after MMIO exits");
	guest_result(vcpu, "SBI console putchar", COMMAND(vcpu, DRIVER_PUTCHAR));
	onereg_state(vcpu, "after SBI exits");
}

static void vsetvl(struct vcpu *vcpu, uint64_t avl, uint64_t vtype)
{
	int code = COMMAND(vcpu, DRIVER_VSETVL, avl, vtype);

	row("vsetvl");
	put_str("code", code_name(code));
	put_hex("avl", avl);
	put_hex("vtype_in", vtype);
	put_int("rd", mail(vcpu, MAIL_RESULT));
	put_int("vl", mail(vcpu, MAIL_VL));
	put_hex("vtype", mail(vcpu, MAIL_VTYPE));
	put_int("onereg_vl", get(vcpu, CSR_ID(vl)));
	put_hex("onereg_vtype", get(vcpu, CSR_ID(vtype)));
	end_row();
}

static void vsetvls(struct vcpu *vcpu)
{
	const uint64_t avls[] = {0, 1, vlenb, 8 * vlenb + 1, ALL};

	for (uint64_t vtype = 0; vtype < 67; vtype++)		/* all of SEW and LMUL, and three with ta and ma */
		for (int a = 0; a < 5; a++)
			vsetvl(vcpu, avls[a], vtype < 64 ? vtype : (vtype - 63) << 6 | 0x10);
}

/* Values that no hardware holds: user space keeps them until the guest dirties its state. */
static void odd_values(struct vcpu *vcpu)
{
	const uint64_t vlen = 8 * vlenb;
	const struct {
		const char *name;
		struct csrs csrs;
	} cases[] = {
		{"zeros (as fresh)", {0}},
		{"vill", {.vtype = VILL}},
		{"vill with vl=7", {.vl = 7, .vtype = VILL}},
		{"vl above VLMAX", {.vl = 1000, .vtype = E32_M1_TA_MA}},
		{"vl=~0", {.vl = ALL, .vtype = E32_M1_TA_MA}},
		{"vill and e32", {.vl = 3, .vtype = VILL | E32_M1_TA_MA}},
		{"reserved sew", {.vl = 3, .vtype = 0x20}},
		{"reserved lmul", {.vl = 3, .vtype = 0x04}},
		{"reserved bit 8", {.vl = 3, .vtype = 0x100}},
		{"e64,mf2", {.vl = 3, .vtype = 0xdf}},
		{"vcsr=7", {.vl = 3, .vtype = E32_M1_TA_MA, .vcsr = 7}},
		{"vcsr=8", {.vl = 3, .vtype = E32_M1_TA_MA, .vcsr = 8}},
		{"vcsr=~0", {.vl = 3, .vtype = E32_M1_TA_MA, .vcsr = ALL}},
		{"vstart=VLEN-1", {.vl = 3, .vtype = E32_M1_TA_MA, .vstart = vlen - 1}},
		{"vstart=VLEN", {.vl = 3, .vtype = E32_M1_TA_MA, .vstart = vlen}},
		{"vstart=~0", {.vl = 3, .vtype = E32_M1_TA_MA, .vstart = ALL}},
		{"vstart>vl", {.vl = 3, .vtype = E32_M1_TA_MA, .vstart = 5}},
		{"vl=VLMAX e8,m8", {.vl = vlen, .vtype = 0xc3, .vcsr = 6, .vstart = 17}},
		{"vl=VLMAX e8,m1", {.vl = vlenb, .vtype = 0xc0, .vcsr = 1}},
		{"any", {random64(), random64(), random64(), random64()}},
		{"any, vtype of 8 bits", {random64(), random64(), random_below(256), random64()}},
	};
	uint8_t vregs[MAX_VSIZE];

	for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++) {
		struct csrs csrs;
		int code;

		set_all(vcpu, any_seed(), &cases[c].csrs);
		COMMAND(vcpu, DRIVER_NOP);
		csrs = get_csrs(vcpu);
		row("odd_nodirty");
		put_str("case", cases[c].name);
		put_csrs(&csrs);
		end_row();
		guest_dump(vcpu, cases[c].name, true);
		code = COMMAND(vcpu, DRIVER_DUMP);
		csrs = get_csrs(vcpu);
		get_vregs(vcpu, vregs);
		row("odd_dirty");
		put_str("case", cases[c].name);
		put_str("code", code_name(code));
		put_int("vregs_ok", !memcmp(vregs, buffer(vcpu), vsize));
		put_csrs(&csrs);
		end_row();
	}
}

static void instructions(struct vcpu *vcpu)
{
	const struct {
		const char *name;
		uint32_t word;
		struct csrs csrs;
	} cases[] = {
		{"vadd e32 m1 vl5 (ta,ma)", word_vadd, {.vl = 5, .vtype = E32_M1_TA_MA}},
		{"vadd e32 m1 vl5 tu,mu", word_vadd, {.vl = 5, .vtype = E32_M1_TU_MU}},
		{"vadd e32 m1 vl5 vstart2", word_vadd, {.vstart = 2, .vl = 5, .vtype = E32_M1_TU_MU}},
		{"vadd vl0", word_vadd, {.vtype = E32_M1_TU_MU}},
		{"vadd with vill", word_vadd, {.vl = 5, .vtype = VILL}},
		{"vid e32", word_vid, {.vl = 5, .vtype = E32_M1_TU_MU}},
		{"vmv1r zeros", word_vmv1r, {0}},
		{"csrw vl", word_csrw_vl, {.vl = 5, .vtype = E32_M1_TU_MU}},
	};

	for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++) {
		set_all(vcpu, any_seed(), &cases[c].csrs);
		guest_result(vcpu, cases[c].name, execute(vcpu, cases[c].word, word_nop));
		onereg_state(vcpu, cases[c].name);
	}
	SET_ALL(vcpu, any_seed(), .vl = 5, .vtype = E32_M1_TU_MU);
	guest_result(vcpu, "set VS=Off", COMMAND(vcpu, DRIVER_SET_VS, 0));
	guest_result(vcpu, "vadd with VS=Off", execute(vcpu, word_vadd, word_nop));
	onereg_state(vcpu, "after VS=Off trap");
	COMMAND(vcpu, DRIVER_SET_VS, 2);
	guest_dump(vcpu, "VS=Clean again", true);
}

void part_guest(void)
{
	struct vcpu *vcpu = new_vcpu(0);

	trace_part("guest");
	own_state(vcpu);
	exits(vcpu);
	vsetvls(vcpu);
	odd_values(vcpu);
	instructions(vcpu);
	row("counters");
	put_int("runs", vcpu->runs);
	put_int("intr", vcpu->intr);
	put_int("mmio", vcpu->mmio);
	end_row();
}

static void csr_only(struct vcpu *vcpu, const char *what, int code)
{
	struct csrs csrs = get_csrs(vcpu);

	row("csr_only");
	put_str("what", what);
	put_str("code", code_name(code));
	put_int("vsstatus_vs", (get(vcpu, VSSTATUS_ID) & SR_VS) >> SR_VS_SHIFT);
	put_csrs(&csrs);
	end_row();
}

void part_csr_only(void)
{
	const struct csrs usual = {.vl = 5, .vtype = E32_M1_TA_MA, .vcsr = 1};
	struct vcpu *vcpu = ready_vcpu(0);

	trace_part("csr_only");
	set_all(vcpu, any_seed(), &usual);
	csr_only(vcpu, "guest wrote vstart=3 vcsr=6, no vector instruction", COMMAND(vcpu, DRIVER_CSRW, 3, 6));
	set_all(vcpu, any_seed(), &usual);
	csr_only(vcpu, "guest ran vsetvl avl=4 vtype=0xc9 only", COMMAND(vcpu, DRIVER_VSETVL, 4, 0xc9));
	set_all(vcpu, any_seed(), &usual);
	csr_only(vcpu, "guest wrote vcsr=6 then vid.v in the same run", execute(vcpu, word_csrwi_vcsr_6, word_vid));
	SET_ALL(vcpu, any_seed(), .vl = 0x7777, .vtype = E32_M1_TA_MA, .vcsr = 0xf8, .vstart = 0xabcdef);
	csr_only(vcpu, "odd values, run without vector code", COMMAND(vcpu, DRIVER_NOP));
	csr_only(vcpu, "odd values, run with a dump", COMMAND(vcpu, DRIVER_DUMP));
}

void part_vs_fields(void)
{
	struct vcpu *vcpu = new_vcpu(0);
	uint8_t vregs[MAX_VSIZE];

	trace_part("vs_fields");
	for (uint64_t vs = 0; vs < 4; vs++) {
		uint64_t status;
		int code, error;

		SET_ALL(vcpu, any_seed(), .vl = 3, .vtype = E32_M1_TA_MA);
		if (!vcpu->runs)
			start(vcpu);
		status = get(vcpu, VSSTATUS_ID) & ~VSSTATUS_SD & ~SR_VS;
		error = set(vcpu, VSSTATUS_ID, status | vs << SR_VS_SHIFT);
		status = get(vcpu, VSSTATUS_ID) & ~VSSTATUS_SD;
		code = COMMAND(vcpu, DRIVER_CSRS);
		row("vsstatus_by_onereg");
		put_int("vs", vs);
		put_int("err", error);
		put_hex("readback", status);
		put_str("code", code_name(code));
		end_row();
		if (code == DRIVER_DONE) {
			guest_dump_of(vcpu, "csrs", false, code);
			get_vregs(vcpu, vregs);
			code = COMMAND(vcpu, DRIVER_DUMP);
			row("vsstatus_dump");
			put_int("vs", vs);
			put_int("vregs_ok", code == DRIVER_DONE && !memcmp(vregs, buffer(vcpu), vsize));
			end_row();
		}
		row("vsstatus_after");
		put_int("vs", vs);
		put_hex("vsstatus", get(vcpu, VSSTATUS_ID) & ~VSSTATUS_SD);
		end_row();
	}
}
