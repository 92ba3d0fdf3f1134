// SPDX-License-Identifier: Apache-2.0
// Records what harts of Spike do with their vector unit, at Spike's full speed.
//
// The handlers of vector and CSR instructions are wrapped; everything else runs as it is. Of what the block executes, a
// record is written: operands and state before the handler, and what it has changed, behind it. Spike's commit log is on
// only while an arithmetic instruction runs, to learn which registers it wrote; effects of loads and stores follow from
// vl, vstart, the mask, and the TLB.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "shadow.h"
#include "spike.h"
#include "trace_file.h"

constexpr int kModes = 5;  // M, HS, U, VS, VU
extern const char* const kModeNames[kModes];
int mode_of(const state_t& state);

// What the block executes of vector instructions.
struct Supported {
  uint32_t match, mask;
  bool widening;  // Spike then reports registers that it only looks at
};

// Vector loads, or stores, of the module: elements' addresses are virtual.
struct Traffic {
  uint64_t instructions = 0, bytes = 0, first = ~0ull, end = 0;
};

// What the module did on a hart since it was asked last.
struct Deeds {
  Traffic loads, stores;
  uint64_t swaps = 0;  // of sstatus, as at guest entry and exit
  int swapped_vs = 0;  // what VS was before the last one
  uint64_t foreign = 0;  // vector instructions of HS-mode that are not the module's
};

struct Counts {
  std::array<uint64_t, kModes> records{};
  std::map<std::string, uint64_t> unsupported;  // instructions that the block does not have, by disassembly
  uint64_t skipped = 0;  // behind them, until the state was brought to the trace again
  uint64_t brought = 0;  // records by which it was: nobody executed them
};

class Recorder {
 public:
  Recorder(const char* memory, uint64_t base, uint64_t size, uint64_t trace_ram);

  // Wrap the handlers of a hart; all harts before the first instruction.
  void attach(processor_t* hart);
  // From here on.
  void start(const std::string& path, const std::string& head);
  bool recording() const { return trace_.is_open(); }

  // The module is the code of HS-mode from `start` to before `end`. Only what is recorded counts.
  void set_module(uint64_t start, uint64_t end);
  Deeds take_deeds(int hart) { return std::exchange(harts_[hart].deeds, {}); }
  TraceFile& trace() { return trace_; }
  uint64_t events() const { return trace_.events(); }
  const Shadow& shadow() const { return shadow_; }
  const Counts& counts() const { return counts_; }
  std::string ram_region() const;  // of the trace, for a mark

 private:
  enum class Kind : uint8_t { kArithmetic, kLoad, kStore, kCsr };
  static constexpr int kMost = 512;  // handlers that are wrapped
  struct Wrapped {
    insn_func_t fast, logged;
    Kind kind;
  };
  struct Hart {
    processor_t* processor = nullptr;
    bool dark = false;     // behind an instruction that the block does not have: nothing is recorded
    uint32_t unknown = 0;  // registers that the trace does not have
    VectorState told;      // as the trace has it
    Deeds deeds;
  };

  template <int I>
  static reg_t trampoline(processor_t* processor, insn_t insn, reg_t pc);
  template <size_t... I>
  static constexpr std::array<insn_func_t, sizeof...(I)> trampolines(std::index_sequence<I...>);
  reg_t execute(processor_t* processor, insn_t insn, reg_t pc, const Wrapped& wrapped);
  const Supported* supported(uint32_t insn);
  void bring(Hart& hart);
  void finish(Hart& hart, Record& record, Kind kind, const Supported* row, const VectorState& before,
              const uint8_t* mask);
  void access(Hart& hart, Record& record, Kind kind, const VectorState& before, const uint8_t* mask);
  void touched(const Record& record, uint64_t ppn, unsigned first, unsigned end, bool store,
               std::map<uint64_t, char>& bytes);
  bool is_of_module(const Record& record) const {
    return record.pc - module_start_ < module_end_ - module_start_ && record.prv == 1 && !record.virt;
  }
  uint32_t widened(const Record& record, const VectorState& before, const uint8_t* mask) const;

  static Recorder* self_;
  const uint8_t* memory_;
  uint64_t base_, size_, trace_ram_;
  uint64_t module_start_ = 0, module_end_ = 0;
  unsigned vlenb_ = 0;
  TraceFile trace_;
  Shadow shadow_;
  std::vector<Hart> harts_;
  std::vector<Wrapped> wrapped_;
  std::unordered_map<uint32_t, const Supported*> known_;
  Counts counts_;
};
