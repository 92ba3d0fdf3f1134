// SPDX-License-Identifier: Apache-2.0
// Functions of the kernel that are watched: a breakpoint at the entry and at each return, which costs nothing elsewhere.
//
// A breakpoint is the two-byte hint `c.li x0, 21` in place of the instruction, or of its first half; its handler
// executes what stood there. Each crossing gives a mark in the trace, and a line with the state of the vector unit.
#pragma once

#include <cstdint>
#include <cstdio>
#include <string>
#include <unordered_map>
#include <vector>

#include "recorder.h"
#include "spike.h"

class Watch {
 public:
  Watch(Recorder& recorder, char* memory, uint64_t base, uint64_t size, const std::vector<processor_t*>& harts,
        const std::string& crossings);

  // Code at a virtual address of the kernel's, as hart 0 has it mapped.
  std::string read(uint64_t vaddr, size_t size);
  void write(uint64_t vaddr, const std::string& bytes);
  // `role`: "load", "put", "change" and "destroy" have a vCPU as their first argument; "guest" and "host" move a context
  // for that of the load or put around them, "guest" with the bitmap of the guest's extensions as second argument.
  void add(const std::string& name, uint64_t start, uint64_t end, const std::string& role);
  void add_hint(processor_t* hart);  // before Recorder::attach builds the handlers' table

  // A mark of the init program's, among the crossings.
  void note(const std::string& name);
  void close();

 private:
  enum class Role : uint8_t { kLoad, kPut, kGuest, kHost, kChange, kDestroy };
  struct Function {
    std::string name;
    Role role;
  };
  struct Point {
    uint32_t insn;  // what stands there
    int function;
    bool entry, exit;
  };
  struct Frame {
    int function;
    reg_t sp, tp;
    std::string who;
    bool marked;
  };
  struct Hart {
    std::vector<Frame> frames;
    std::string vcpu;
  };
  static reg_t hit(processor_t* processor, insn_t insn, reg_t pc);
  void enter(processor_t* processor, int function);
  void leave(processor_t* processor, int function);
  void pop(int hart);
  void line(processor_t* processor, bool entry, const Function& function, const std::string& who);
  char* find(uint64_t vaddr);  // nullptr if there is none
  char* at(uint64_t vaddr);
  std::string label(reg_t vcpu);

  static Watch* self_;
  Recorder& recorder_;
  char* memory_;
  uint64_t base_, size_;
  std::vector<processor_t*> processors_;
  std::vector<Function> functions_;
  std::unordered_map<uint64_t, Point> points_;
  std::vector<Hart> harts_;
  std::unordered_map<uint64_t, unsigned> vcpus_;  // number by address, for as long as it lives
  unsigned next_vcpu_ = 0;
  FILE* crossings_;
};
