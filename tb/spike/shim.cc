// SPDX-License-Identifier: Apache-2.0
// A C interface to one Spike hart: state in and out, one step at a time, with every effect of the step.
//
// No ELF, boot ROM, PMP, CLINT or HTIF: just a processor_t over flat memory. The commit log is switched on, because it is
// what Spike itself says was written; its text goes to /dev/null. Traps are seen by defining processor_t::take_trap here:
// the dynamic linker resolves libriscv's call to this definition, which notes the trap and calls the original.

#include <dlfcn.h>

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <map>
#include <sstream>

#define private public  // processor_t's commit log and take_trap
#include "processor.h"
#undef private
#include "cfg.h"
#include "devices.h"
#include "mmu.h"
#include "simif.h"
#include "trap.h"

// Layout shared with oracle.py; keep both in step.
struct Step {
  uint64_t pc, insn;              // of the instruction executed (insn 0 when the fetch itself trapped)
  uint64_t prv, virt;             // before it
  uint64_t trapped, cause, tval, tval2;
  uint64_t next_pc, next_prv, next_virt;
  uint64_t vl, vtype, vstart, vcsr;  // after it
  uint64_t mstatus, vsstatus;
  uint64_t rd, rd_value;          // 0 when no x register was written
  uint64_t vregs;                 // mask of vector registers written
  uint64_t csrs;                  // number of CSRs in the commit log
  uint64_t stores;                // number of entries in store_*
  uint64_t store_addr[4096];
  uint64_t store_value[4096];
  uint8_t store_size[4096];
};

namespace {

class Memory : public simif_t {
 public:
  Memory(const cfg_t& cfg, uint64_t base, uint64_t size) : cfg_(cfg), base_(base), bytes_(size) {}
  char* addr_to_mem(reg_t paddr) override {
    return paddr - base_ < bytes_.size() ? reinterpret_cast<char*>(&bytes_[paddr - base_]) : nullptr;
  }
  bool mmio_load(reg_t, size_t, uint8_t*) override { return false; }
  bool mmio_store(reg_t, size_t, const uint8_t*) override { return false; }
  void proc_reset(unsigned) override {}
  const cfg_t& get_cfg() const override { return cfg_; }
  const std::map<size_t, processor_t*>& get_harts() const override { return harts_; }
  const char* get_symbol(uint64_t) override { return nullptr; }

 private:
  const cfg_t& cfg_;
  std::map<size_t, processor_t*> harts_;
  uint64_t base_;
  std::vector<uint8_t> bytes_;
};

struct Oracle {
  std::string isa;
  cfg_t cfg;
  FILE* sink = fopen("/dev/null", "w");
  std::ostringstream sout;
  Memory* memory = nullptr;
  processor_t* hart = nullptr;
  Step* current = nullptr;
};

Oracle* stepping = nullptr;

// A write that a program could not make: no dirtying, no access check.
void write_raw(processor_t& p, int which, uint64_t value) {
  auto& s = *p.get_state();
  if (which == CSR_VSTART) { p.VU.vstart->write_raw(value); }
  else if (which == CSR_VXRM) { p.VU.vxrm->write_raw(value); }
  else { (void)s; p.put_csr(which, value); }
}

}  // namespace

void processor_t::take_trap(trap_t& t, reg_t epc) {
  using Original = void (*)(processor_t*, trap_t&, reg_t);
  static const auto original =
      reinterpret_cast<Original>(dlsym(RTLD_NEXT, "_ZN11processor_t9take_trapER6trap_tm"));
  if (stepping != nullptr && stepping->hart == this) {
    Step& s = *stepping->current;
    s.trapped = 1;
    s.cause = t.cause();
    s.tval = t.get_tval();
    s.tval2 = t.get_tval2();
  }
  original(this, t, epc);
}

extern "C" {

Oracle* spike_new(const char* isa, uint64_t base, uint64_t size) {
  auto* o = new Oracle;
  o->isa = isa;
  o->cfg.isa = o->isa.c_str();
  o->cfg.priv = "msu";
  o->cfg.pmpregions = 0;
  o->cfg.trigger_count = 0;
  o->cfg.hartids = {0};
  o->memory = new Memory(o->cfg, base, size);
  o->hart = new processor_t(o->isa.c_str(), "msu", &o->cfg, o->memory, 0, false, o->sink, o->sout);
  o->hart->set_pmp_num(0);
  o->hart->set_max_vaddr_bits(39);
  o->hart->enable_log_commits();
  o->hart->reset();
  return o;
}

void spike_delete(Oracle* o) {
  delete o->hart;
  delete o->memory;
  fclose(o->sink);
  delete o;
}

void spike_reset(Oracle* o) { o->hart->reset(); }
void spike_set_pc(Oracle* o, uint64_t pc) { o->hart->get_state()->pc = pc; }
uint64_t spike_pc(Oracle* o) { return o->hart->get_state()->pc; }
uint64_t spike_x(Oracle* o, unsigned reg) { return o->hart->get_state()->XPR[reg]; }
void spike_set_x(Oracle* o, unsigned reg, uint64_t value) { o->hart->get_state()->XPR.write(reg, value); }
uint64_t spike_csr(Oracle* o, int which) { return o->hart->get_csr(which); }
void spike_set_csr(Oracle* o, int which, uint64_t value) { write_raw(*o->hart, which, value); }
uint8_t* spike_vregs(Oracle* o) { return static_cast<uint8_t*>(o->hart->VU.reg_file); }

void spike_set_mode(Oracle* o, uint64_t prv, int virt) {
  o->hart->set_privilege(prv, virt != 0);
  o->hart->get_mmu()->flush_tlb();
}

int spike_write(Oracle* o, uint64_t paddr, const uint8_t* data, uint64_t length) {
  char* to = o->memory->addr_to_mem(paddr);
  if (to == nullptr || o->memory->addr_to_mem(paddr + length - 1) == nullptr) return 0;
  memcpy(to, data, length);
  o->hart->get_mmu()->flush_icache();
  o->hart->get_mmu()->flush_tlb();
  return 1;
}

int spike_read(Oracle* o, uint64_t paddr, uint8_t* data, uint64_t length) {
  const char* from = o->memory->addr_to_mem(paddr);
  if (from == nullptr || o->memory->addr_to_mem(paddr + length - 1) == nullptr) return 0;
  memcpy(data, from, length);
  return 1;
}

// Execute one instruction or take one trap, and say everything it did.
void spike_step(Oracle* o, Step* s) {
  auto& state = *o->hart->get_state();
  auto& vu = o->hart->VU;
  s->pc = state.pc;
  s->prv = state.prv;
  s->virt = state.v;
  s->insn = s->trapped = s->cause = s->tval = s->tval2 = 0;
  state.log_reg_write.clear();
  state.log_mem_write.clear();
  state.log_mem_read.clear();
  try {
    s->insn = o->hart->get_mmu()->load_insn(state.pc).insn.bits();
  } catch (trap_t&) {  // the step below meets the same trap, and takes it
  }
  stepping = o;
  o->current = s;
  o->hart->step(1);
  stepping = nullptr;

  s->next_pc = state.pc;
  s->next_prv = state.prv;
  s->next_virt = state.v;
  s->vl = vu.vl->read();
  s->vtype = vu.vtype->read();
  s->vstart = vu.vstart->read();
  s->vcsr = vu.vxrm->read() << 1 | vu.vxsat->read();
  s->mstatus = state.mstatus->read();
  s->vsstatus = state.vsstatus->read();
  s->rd = s->rd_value = s->vregs = s->csrs = 0;
  for (const auto& [key, value] : state.log_reg_write) {
    const auto reg = key >> 4;
    switch (key & 0xf) {
      case 0: s->rd = reg; s->rd_value = value.v[0]; break;
      case 2: s->vregs |= uint64_t{1} << reg; break;
      case 4: s->csrs++; break;
      default: break;
    }
  }
  s->stores = 0;
  for (const auto& [addr, value, size] : state.log_mem_write) {
    if (s->stores == sizeof s->store_size) break;
    s->store_addr[s->stores] = addr;
    s->store_value[s->stores] = value;
    s->store_size[s->stores++] = size;
  }
}

}  // extern "C"
