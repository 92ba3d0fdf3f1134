// SPDX-License-Identifier: Apache-2.0
#include "watch.h"

#include <cstring>
#include <sstream>

#include "fatal.h"

Watch* Watch::self_ = nullptr;

namespace {

constexpr uint16_t kBreak = 0x4055, kReturn = 0x8082;  // c.li x0, 21; c.jr ra
constexpr uint64_t kPage = 4096, kStack = 16 << 10;
constexpr unsigned kSp = 2, kTp = 4, kA0 = 10;
constexpr uint64_t kFnvBasis = 0xcbf29ce484222325, kFnvPrime = 0x100000001b3;

uint64_t fnv(const void* data, size_t size) {
  uint64_t hash = kFnvBasis;
  for (size_t i = 0; i < size; ++i) hash = (hash ^ static_cast<const uint8_t*>(data)[i]) * kFnvPrime;
  return hash;
}

}  // namespace

Watch::Watch(Recorder& recorder, char* memory, uint64_t base, uint64_t size, const std::vector<processor_t*>& harts,
             const std::string& crossings)
    : recorder_(recorder), memory_(memory), base_(base), size_(size), processors_(harts), harts_(harts.size()) {
  self_ = this;
  crossings_ = fopen(crossings.c_str(), "w");
  if (crossings_ == nullptr) fatal("cannot write %s", crossings.c_str());
}

void Watch::add_hint(processor_t* hart) {
  insn_desc_t hint{};
  hint.match = kBreak;
  hint.mask = 0xffff;
  hint.fast_rv32i = hint.fast_rv64i = hint.fast_rv32e = hint.fast_rv64e = hit;
  hint.logged_rv32i = hint.logged_rv64i = hint.logged_rv32e = hint.logged_rv64e = hit;
  hart->instructions.insert(hart->instructions.begin(), hint);
}

// Where a page of the kernel lies, by its own page tables: Linux maps itself into every address space.
char* Watch::find(uint64_t vaddr) {
  uint64_t satp = processors_[0]->get_state()->satp->read();
  int levels = (satp >> 60) - 5;  // Sv39 is mode 8
  uint64_t table = satp << 12;    // physical page number in bits 43:0
  if (levels < 3 || levels > 5) return nullptr;
  for (int level = levels - 1; level >= 0; --level) {
    uint64_t paddr = (table & ((1ull << 56) - 1)) + (vaddr >> (12 + 9 * level) & 511) * 8, entry;
    if (paddr - base_ >= size_) break;
    memcpy(&entry, memory_ + (paddr - base_), sizeof entry);
    if (!(entry & 1)) break;
    table = (entry >> 10 & ((1ull << 44) - 1)) << 12;
    if (entry & 0xe) {  // a leaf
      uint64_t within = vaddr & ((1ull << (12 + 9 * level)) - 1);
      if (table + within - base_ >= size_) break;
      return memory_ + (table + within - base_);
    }
  }
  return nullptr;
}

char* Watch::at(uint64_t vaddr) {
  char* found = find(vaddr);
  if (found == nullptr) fatal("the kernel has no page at %#lx", (unsigned long)vaddr);
  return found;
}

std::string Watch::read(uint64_t vaddr, size_t size) {
  std::string bytes;
  while (bytes.size() < size) {
    uint64_t next = vaddr + bytes.size();
    bytes.append(at(next), std::min(size - bytes.size(), size_t(kPage - next % kPage)));
  }
  return bytes;
}

void Watch::write(uint64_t vaddr, const std::string& bytes) {
  for (size_t i = 0; i < bytes.size(); ++i) *at(vaddr + i) = bytes[i];
  for (processor_t* each : processors_) each->get_mmu()->flush_icache();
}

void Watch::add(const std::string& name, uint64_t start, uint64_t end, const std::string& role) {
  static const std::unordered_map<std::string, Role> roles = {{"load", Role::kLoad},
                                                              {"put", Role::kPut},
                                                              {"guest", Role::kGuest},
                                                              {"host", Role::kHost},
                                                              {"change", Role::kChange},
                                                              {"destroy", Role::kDestroy}};
  int function = functions_.size();
  functions_.push_back({name, roles.at(role)});
  std::string code = read(start, end - start);
  for (size_t i = 0; i + 2 <= code.size();) {
    uint32_t insn = 0;
    memcpy(&insn, &code[i], std::min<size_t>(4, code.size() - i));
    size_t size = (insn & 3) == 3 ? 4 : 2;
    if (size == 2) insn &= 0xffff;
    if (i == 0 || insn == kReturn) {
      points_[start + i] = {insn, function, i == 0, insn == kReturn};
      write(start + i, std::string(reinterpret_cast<const char*>(&kBreak), 2));
    }
    i += size;
  }
}

void Watch::note(const std::string& name) { fprintf(crossings_, "{\"mark\": \"%s\"}\n", name.c_str()); }

void Watch::close() {
  for (size_t hart = 0; hart < harts_.size(); ++hart)
    while (!harts_[hart].frames.empty()) pop(hart);
  if (fclose(crossings_) != 0) fatal("cannot write the crossings: %m");
}

reg_t Watch::hit(processor_t* processor, insn_t insn, reg_t pc) {
  auto found = self_->points_.find(pc);
  if (found == self_->points_.end()) return pc + 2;  // somebody else's hint
  const Point& point = found->second;
  if (point.entry) self_->enter(processor, point.function);
  if (point.exit) self_->leave(processor, point.function);
  insn_t original(point.insn);
  (void)insn;
  return processor->decode_insn(original)(processor, original, pc);
}

void Watch::enter(processor_t* processor, int function) {
  auto* state = processor->get_state();
  Hart& hart = harts_[processor->get_id()];
  reg_t sp = state->XPR[kSp], tp = state->XPR[kTp];
  // A frame is over if another thread runs here, or if its part of the stack is.
  while (!hart.frames.empty()) {
    const Frame& last = hart.frames.back();
    if (last.tp == tp && !(sp > last.sp && sp - last.sp < kStack)) break;
    pop(processor->get_id());
  }
  const Function& watched = functions_[function];
  bool moves = watched.role == Role::kGuest || watched.role == Role::kHost;
  bool switches = watched.role == Role::kLoad || watched.role == Role::kPut;
  std::string who = moves ? hart.vcpu : label(state->XPR[kA0]);
  if (switches) hart.vcpu = who;
  line(processor, true, watched, who);
  if (watched.role == Role::kDestroy) vcpus_.erase(state->XPR[kA0]);
  bool marked = recorder_.recording(), counted = moves || switches;
  if (marked)
    recorder_.trace().mark(processor->get_id(), true, watched.name, who, counted ? recorder_.ram_region() : "[]");
  hart.frames.push_back({function, sp, tp, who, marked});
}

void Watch::leave(processor_t* processor, int function) {
  Hart& hart = harts_[processor->get_id()];
  reg_t tp = processor->get_state()->XPR[kTp];
  size_t depth = hart.frames.size();
  while (depth > 0 && !(hart.frames[depth - 1].function == function && hart.frames[depth - 1].tp == tp)) --depth;
  if (depth == 0) return;
  line(processor, false, functions_[function], hart.frames[depth - 1].who);
  while (hart.frames.size() >= depth) pop(processor->get_id());
  if (functions_[function].role == Role::kPut) hart.vcpu.clear();
}

void Watch::pop(int hart) {
  const Frame& last = harts_[hart].frames.back();
  if (last.marked) recorder_.trace().mark(hart, false, functions_[last.function].name, last.who, "[]");
  harts_[hart].frames.pop_back();
}

void Watch::line(processor_t* processor, bool entry, const Function& function, const std::string& who) {
  if (!recorder_.recording()) return;
  auto* state = processor->get_state();
  const auto& unit = processor->VU;
  Deeds deeds = recorder_.take_deeds(processor->get_id());
  std::ostringstream text;
  auto traffic = [&](const char* name, const Traffic& of) {
    text << ", \"" << name << "\": [" << of.instructions << ", " << of.bytes << ", " << (of.bytes ? of.first : 0) << ", "
         << of.end << "]";
  };
  text << "{\"hart\": " << processor->get_id() << ", \"enter\": " << (entry ? "true" : "false") << ", \"what\": \""
       << function.name << "\", \"who\": \"" << who << "\", \"task\": " << state->XPR[kTp]
       << ", \"vs\": " << (state->mstatus->read() >> 9 & 3) << ", \"unit\": [" << unit.vl->read() << ", "
       << unit.vtype->read() << ", " << unit.vstart->read() << ", " << (unit.vxrm->read() << 1 | unit.vxsat->read())
       << ", " << fnv(unit.reg_file, 32 * unit.vlenb) << "], \"swaps\": " << deeds.swaps
       << ", \"swapped_vs\": " << deeds.swapped_vs << ", \"foreign\": " << deeds.foreign;
  uint64_t extensions = 0;
  if (function.role == Role::kGuest && entry)
    if (const char* bitmap = find(state->XPR[kA0 + 1])) memcpy(&extensions, bitmap, sizeof extensions);
  text << ", \"extensions\": " << extensions;
  traffic("loads", deeds.loads);
  traffic("stores", deeds.stores);
  fprintf(crossings_, "%s}\n", text.str().c_str());
}

std::string Watch::label(reg_t vcpu) {
  auto [found, is_new] = vcpus_.try_emplace(vcpu, next_vcpu_);
  if (is_new) ++next_vcpu_;
  return "vCPU " + std::to_string(found->second);
}
