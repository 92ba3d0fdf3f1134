// SPDX-License-Identifier: Apache-2.0
#include "recorder.h"

#include <algorithm>
#include <cstring>

#include "fatal.h"
#include "supported.h"  // kSupported, made from the golden model's table of instructions

const char* const kModeNames[kModes] = {"M", "HS", "U", "VS", "VU"};
Recorder* Recorder::self_ = nullptr;

namespace {

constexpr uint32_t kOpV = 0x57, kVectorLoad = 0x07, kVectorStore = 0x27, kSystem = 0x73;
constexpr unsigned kSstatus = 0x100, kVsstatus = 0x200, kMstatus = 0x300;
constexpr unsigned kVstart = 0x008, kVcsr = 0x00f;
constexpr uint64_t kStatusBits = 1ull << 63 | 3 << 9;  // SD and VS, all the block returns of a status CSR
constexpr reg_t kSerialize = 3;                        // the handler asks to be called again
constexpr unsigned kPage = 4096, kMostVlenb = 512;
constexpr uint32_t kSetVl = 0x80000057, kCsrrw = 0x1073;
constexpr uint32_t kLoadWhole = 0x02800007;  // vl1re8.v
constexpr unsigned kA0 = 10, kA1 = 11;

bool is_status(unsigned csr) { return csr == kSstatus || csr == kVsstatus || csr == kMstatus; }
bool is_block_csr(unsigned csr) {
  return is_status(csr) || (csr >= kVstart && csr <= 10) || csr == kVcsr || (csr >= 0xc20 && csr <= 0xc22);
}

VectorState state_of(processor_t* processor) {
  const auto& unit = processor->VU;
  const auto* state = processor->get_state();
  VectorState found;
  found.vl = unit.vl->read();
  found.vtype = unit.vtype->read();
  found.vstart = unit.vstart->read();
  found.vcsr = unit.vxrm->read() << 1 | unit.vxsat->read();
  found.mstatus_vs = state->mstatus->read() >> 9 & 3;
  found.vsstatus_vs = state->vsstatus->read() >> 9 & 3;
  return found;
}

bool is_active(const uint8_t* mask, bool unmasked, uint64_t element) {
  return unmasked || (mask[element / 8] >> element % 8 & 1);
}

// vset*, and vmv.x.s, vcpop.m and vfirst.m
bool writes_x(uint32_t insn) {
  unsigned funct3 = insn >> 12 & 7;
  return funct3 == 7 || (funct3 == 2 && insn >> 26 == 0x10);
}

}  // namespace

int mode_of(const state_t& state) {
  return state.prv == kMachine ? 0 : state.v ? (state.prv ? 3 : 4) : (state.prv ? 1 : 2);
}

Recorder::Recorder(const char* memory, uint64_t base, uint64_t size, uint64_t trace_ram)
    : memory_(reinterpret_cast<const uint8_t*>(memory)),
      base_(base),
      size_(size),
      trace_ram_(trace_ram),
      shadow_(trace_, base, trace_ram, 8) {
  self_ = this;
}

template <int I>
reg_t Recorder::trampoline(processor_t* processor, insn_t insn, reg_t pc) {
  return self_->execute(processor, insn, pc, self_->wrapped_[I]);
}

template <size_t... I>
constexpr std::array<insn_func_t, sizeof...(I)> Recorder::trampolines(std::index_sequence<I...>) {
  return {trampoline<I>...};
}

void Recorder::attach(processor_t* processor) {
  static constexpr auto entries = trampolines(std::make_index_sequence<kMost>{});
  vlenb_ = processor->VU.vlenb;
  harts_.push_back({processor, false, ~0u, {}, {}});
  wrapped_.clear();  // every hart has the same handlers in the same order
  for (insn_desc_t& each : processor->instructions) {
    if ((each.mask & 0x7f) != 0x7f) continue;
    uint32_t opcode = each.match & 0x7f, funct3 = each.match >> 12 & 7;
    bool vector_width = funct3 == 0 || funct3 >= 5;
    Kind kind;
    if (opcode == kOpV)
      kind = Kind::kArithmetic;
    else if (opcode == kVectorLoad && vector_width)
      kind = Kind::kLoad;
    else if (opcode == kVectorStore && vector_width)
      kind = Kind::kStore;
    else if (opcode == kSystem && funct3 != 0 && funct3 != 4)
      kind = Kind::kCsr;
    else
      continue;
    if (wrapped_.size() == kMost) fatal("Spike has more than %d handlers of vector and CSR instructions", kMost);
    insn_func_t entry = entries[wrapped_.size()];
    wrapped_.push_back({each.fast_rv64i, each.logged_rv64i, kind});
    each.fast_rv64i = each.logged_rv64i = entry;
  }
  processor->build_opcode_map();
  processor->get_mmu()->flush_icache();
}

void Recorder::start(const std::string& path, const std::string& head) {
  trace_.open(path, head);
  for (Hart& hart : harts_) bring(hart);
}

void Recorder::set_module(uint64_t start, uint64_t end) {
  module_start_ = start;
  module_end_ = end;
}

std::string Recorder::ram_region() const {
  return "[[\"memory\", " + std::to_string(base_) + ", " + std::to_string(trace_ram_) + "]]";
}

const Supported* Recorder::supported(uint32_t insn) {
  auto [found, is_new] = known_.try_emplace(insn, nullptr);
  if (is_new)
    for (const Supported& row : kSupported)
      if ((insn & row.mask) == row.match) found->second = &row;
  return found->second;
}

// Instructions of M-mode, executed by nobody, that give the RTL the hart's state, whatever it had.
void Recorder::bring(Hart& hart) {
  int id = hart.processor->get_id();
  uint64_t scratch = base_ / kPage + id;
  const char* registers = reinterpret_cast<char*>(hart.processor->VU.reg_file);
  VectorState want = state_of(hart.processor), now = hart.told;
  auto execute = [&](uint32_t insn, uint64_t rs1, uint64_t rs2 = 0, uint32_t written = 0, const char* value = nullptr) {
    Record record;
    record.hart = id;
    record.insn = insn;
    record.rs1 = rs1;
    record.rs2 = rs2;
    record.state = now;
    record.registers = written;
    if (written) {
      record.values.assign(value, vlenb_);
      record.xlat.push_back({scratch, scratch, 0, 0});
    }
    trace_.record(record, vlenb_);
    ++counts_.brought;
  };
  auto write = [&](unsigned csr, uint64_t value) { execute(kCsrrw | csr << 20 | kA0 << 15, value); };
  trace_.mark(id, true, "bring", "recorder", "[]");
  now.mstatus_vs = 3;
  write(kMstatus, 3 << 9);
  now.vstart = 0;
  write(kVstart, 0);
  for (unsigned reg = 0; reg < 32; ++reg) {
    if (!(hart.unknown >> reg & 1)) continue;
    const char* value = registers + reg * vlenb_;
    trace_.store(id, scratch * kPage, value, vlenb_);
    execute(kLoadWhole | kA0 << 15 | reg << 7, scratch * kPage, 0, 1u << reg, value);
  }
  hart.unknown = 0;
  now.vl = want.vl;
  now.vtype = want.vtype;
  execute(kSetVl | kA1 << 20 | kA0 << 15 | 7 << 12, want.vl, want.vtype);
  now.vcsr = want.vcsr;
  write(kVcsr, want.vcsr);
  now.vstart = want.vstart;
  write(kVstart, want.vstart);
  now.vsstatus_vs = want.vsstatus_vs;
  write(kVsstatus, uint64_t{want.vsstatus_vs} << 9);
  now.mstatus_vs = want.mstatus_vs;
  write(kMstatus, uint64_t{want.mstatus_vs} << 9);
  trace_.mark(id, false, "bring", "recorder", "[]");
  hart.told = want;
}

reg_t Recorder::execute(processor_t* processor, insn_t insn, reg_t pc, const Wrapped& wrapped) {
  uint32_t word = insn.bits();
  unsigned csr = word >> 20;
  Kind kind = wrapped.kind;
  if (kind == Kind::kCsr && !is_block_csr(csr)) return wrapped.fast(processor, insn, pc);
  auto* state = processor->get_state();
  Hart& hart = harts_[processor->get_id()];
  if (!recording()) return wrapped.fast(processor, insn, pc);
  if (hart.dark) {
    if (kind != Kind::kCsr || !is_status(csr)) {
      ++counts_.skipped;
      return wrapped.fast(processor, insn, pc);
    }
    hart.dark = false;
    bring(hart);
  }
  VectorState before = state_of(processor);
  if (!(before == hart.told)) fatal("hart %d: the vector state changed outside of what is recorded", processor->get_id());

  Record record;
  record.hart = processor->get_id();
  record.pc = pc;
  record.insn = word;
  record.rs1 = state->XPR[word >> 15 & 31];
  record.rs2 = state->XPR[word >> 20 & 31];
  record.prv = state->prv;
  record.virt = state->v;
  record.fs_dirty = (state->mstatus->read() >> 13 & 3) == 3;
  record.vsfs_dirty = (state->vsstatus->read() >> 13 & 3) == 3;
  const Supported* row = kind == Kind::kCsr ? nullptr : supported(word);
  uint8_t mask[kMostVlenb];  // v0, which the instruction may write
  if (kind != Kind::kCsr) memcpy(mask, processor->VU.reg_file, vlenb_);
  bool logs = kind == Kind::kArithmetic && row != nullptr;
  if (logs) {
    processor->log_commits_enabled = true;
    state->log_reg_write.clear();
    state->log_mem_read.clear();
    state->log_mem_write.clear();
  }
  reg_t next;
  try {
    next = (logs ? wrapped.logged : wrapped.fast)(processor, insn, pc);
  } catch (trap_t& trap) {
    processor->log_commits_enabled = false;
    record.cause = trap.cause();
    record.tval = trap.get_tval();
    uint64_t tval2 = trap.get_tval2();
    // The block does not know the low part of a guest-physical address: it takes that of the virtual one.
    record.tval2 = tval2 ? (tval2 & ~0x3ffull) | (record.tval >> 2 & 0x3ff) : 0;
    finish(hart, record, kind, row, before, mask);
    throw;
  }
  processor->log_commits_enabled = false;
  if (next == kSerialize) return next;
  unsigned rd = word >> 7 & 31;
  if (rd != 0 && (kind == Kind::kCsr || (kind == Kind::kArithmetic && writes_x(word)))) {
    record.has_rd = true;
    record.rd = state->XPR[rd] & (kind == Kind::kCsr && is_status(csr) ? kStatusBits : ~0ull);
  }
  finish(hart, record, kind, row, before, mask);
  return next;
}

void Recorder::finish(Hart& hart, Record& record, Kind kind, const Supported* row, const VectorState& before,
                      const uint8_t* mask) {
  auto* processor = hart.processor;
  auto* state = processor->get_state();
  record.state = hart.told = state_of(processor);
  bool illegal = record.cause == CAUSE_ILLEGAL_INSTRUCTION || record.cause == CAUSE_VIRTUAL_INSTRUCTION;
  if (kind != Kind::kCsr && row == nullptr && !illegal) {
    ++counts_.unsupported[processor->get_disassembler()->disassemble(insn_t(record.insn))];
    hart.dark = true;
    hart.unknown = ~0u;
    return;
  }
  if (!illegal && (kind == Kind::kLoad || kind == Kind::kStore)) access(hart, record, kind, before, mask);
  if (kind == Kind::kArithmetic && row != nullptr && record.cause == kNoTrap) {
    for (const auto& [key, value] : state->log_reg_write)
      if ((key & 15) == 2) record.registers |= 1u << (key >> 4);
    if (row->widening) record.registers &= widened(record, before, mask);
  }
  bool swaps = kind == Kind::kCsr && record.insn >> 20 == kSstatus && (record.insn >> 12 & 7) == 1 && record.has_rd;
  if (swaps && is_of_module(record)) {
    ++hart.deeds.swaps;
    hart.deeds.swapped_vs = record.rd >> 9 & 3;
  }
  if (kind != Kind::kCsr && record.prv == 1 && !record.virt && !is_of_module(record)) ++hart.deeds.foreign;
  const char* registers = reinterpret_cast<char*>(processor->VU.reg_file);
  for (unsigned reg = 0; reg < 32; ++reg)
    if (record.registers >> reg & 1) record.values.append(registers + reg * vlenb_, vlenb_);
  trace_.record(record, vlenb_);
  ++counts_.records[mode_of(*state)];
}

// Pages, bytes and registers of a vector load or store, which follow from the state before it and where it stopped.
void Recorder::access(Hart& hart, Record& record, Kind kind, const VectorState& before, const uint8_t* mask) {
  uint32_t insn = record.insn;
  unsigned width = insn >> 12 & 7, lumop = insn >> 20 & 31, vd = insn >> 7 & 31;
  bool unmasked = insn >> 25 & 1, strided = (insn >> 26 & 3) == 2, store = kind == Kind::kStore;
  uint64_t size = width == 0 ? 1 : 1 << (width - 4), elements = before.vl;
  if (!strided && lumop == 8)
    elements = ((insn >> 29) + 1) * vlenb_ / size;  // whole registers
  else if (!strided && lumop == 11)
    elements = (before.vl + 7) / 8;  // masks
  uint64_t stride = strided ? record.rs2 : size;
  // A load that trims vl wrote what is below it; both stop at vstart when they trap.
  uint64_t stop = record.cause != kNoTrap           ? record.state.vstart
                  : record.state.vl < before.vl ? record.state.vl
                                                : elements;
  stop = std::min(stop, elements);
  auto* mmu = hart.processor->get_mmu();
  Traffic unwatched;
  Traffic& traffic = !is_of_module(record) ? unwatched : store ? hart.deeds.stores : hart.deeds.loads;
  ++traffic.instructions;
  uint64_t vpn = ~0ull, ppn = 0;
  unsigned first = 0, end = 0;            // of the active bytes so far on that page
  std::map<uint64_t, char> bytes;         // stored: with a stride an address can come twice
  auto leave_page = [&] {
    if (end > first) touched(record, ppn, first, end, store, bytes);
    first = end = 0;
  };
  for (uint64_t i = before.vstart; i < elements; ++i) {
    bool active = is_active(mask, unmasked, i);
    uint64_t vaddr = record.rs1 + i * stride;
    unsigned at = vaddr % kPage;
    if (strided && !active) continue;  // is on no page
    if (active && at % size != 0) break;  // misaligned: it trapped here
    if (vaddr / kPage != vpn) {
      leave_page();
      vpn = vaddr / kPage;
      record.xlat.push_back({vpn, 0, 0, 0});
      Translation& page = record.xlat.back();
      try {
        auto [hit, host, paddr] = mmu->access_tlb(store ? mmu->tlb_store : mmu->tlb_load, vaddr);
        (void)host;
        if (!hit) paddr = mmu->translate(mmu->generate_access_info(vaddr, store ? STORE : LOAD, {}), 1);
        if (paddr - base_ >= size_) fatal("a vector instruction accesses a device, at %#lx", (unsigned long)paddr);
        ppn = paddr / kPage;
        page.ppn = shadow_.page(ppn);
      } catch (trap_t& trap) {
        page.fault = trap.cause();
        page.gpn = trap.get_tval2() >> 10;
      }
    }
    if (!active) continue;
    if (record.xlat.back().fault) break;
    if (i >= stop) continue;
    traffic.bytes += size;
    traffic.first = std::min(traffic.first, vaddr);
    traffic.end = std::max(traffic.end, vaddr + size);
    if (!store) record.registers |= 1u << ((vd + i * size / vlenb_) & 31);
    // A store writes no inactive byte, so what is between two of its runs is none of its bytes.
    if (end > first && (strided || (store && at != end))) leave_page();
    if (end == first) first = at;
    end = at + size;
  }
  leave_page();
  for (const auto& [paddr, byte] : bytes) {
    auto& runs = record.stored;
    if (runs.empty() || runs.back().first + runs.back().second.size() != paddr) runs.push_back({paddr, ""});
    runs.back().second += byte;
  }
}

// The bytes `first` to `end` - 1 of a physical page were loaded or stored.
void Recorder::touched(const Record& record, uint64_t ppn, unsigned first, unsigned end, bool store,
                       std::map<uint64_t, char>& bytes) {
  const uint8_t* real = memory_ + (ppn * kPage - base_);
  if (!store) {
    shadow_.loaded(record.hart, ppn, real, first, end);
    return;
  }
  uint64_t page = shadow_.page(ppn) * kPage;
  for (unsigned at = first; at < end; ++at) bytes[page + at] = real[at];
  shadow_.stored(record.hart, ppn, real, first, end);
}

// The registers with active elements of a result of twice the width.
uint32_t Recorder::widened(const Record& record, const VectorState& before, const uint8_t* mask) const {
  uint64_t size = 2ull << (before.vtype >> 3 & 7);
  unsigned vd = record.insn >> 7 & 31;
  uint32_t registers = 0;
  for (uint64_t i = before.vstart; i < before.vl; ++i)
    if (is_active(mask, record.insn >> 25 & 1, i)) registers |= 1u << ((vd + i * size / vlenb_) & 31);
  return registers;
}
