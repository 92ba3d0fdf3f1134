// SPDX-License-Identifier: Apache-2.0
// Writes a trace, in the format that pymodel/trace/file.py describes: the records of an instruction, and their frames.
#pragma once

#include <cstdint>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

struct Translation {  // Xlat
  uint64_t vpn, ppn;
  uint8_t fault;
  uint64_t gpn;
};

struct VectorState {
  uint64_t vl = 0, vtype = 1ull << 63, vstart = 0;
  uint8_t vcsr = 0, mstatus_vs = 0, vsstatus_vs = 0;
  bool operator==(const VectorState&) const = default;
};

constexpr uint8_t kMachine = 3;
constexpr int kNoTrap = -1;

struct Record {  // Insn: Issue and Retire
  uint8_t hart = 0;
  uint64_t pc = 0;
  uint32_t insn = 0;
  uint64_t rs1 = 0, rs2 = 0;
  uint8_t prv = kMachine;
  bool virt = false, fs_dirty = false, vsfs_dirty = false;
  std::vector<Translation> xlat;
  int cause = kNoTrap;
  uint64_t tval = 0, tval2 = 0;
  bool has_rd = false;
  uint64_t rd = 0;
  VectorState state;
  uint32_t registers = 0;  // bit i for v<i>, whose values lie back to back in `values`
  std::string values;
  std::vector<std::pair<uint64_t, std::string>> stored;  // physical address, bytes
};

class TraceFile {
 public:
  // `head` is everything before the first event, as Python makes it.
  void open(const std::string& path, const std::string& head);
  void record(const Record& record, unsigned vlenb);
  void store(int hart, uint64_t paddr, const char* data, size_t size);
  void sync();
  // `regions` is a JSON array.
  void mark(int hart, bool enter, const std::string& what, const std::string& who, const std::string& regions);
  void flush();  // for whoever reads along
  void close();
  bool is_open() const { return file_ != nullptr; }
  uint64_t events() const { return events_; }

 private:
  void frame(uint8_t kind, const std::string& payload);
  void write(const std::string& bytes);

  FILE* file_ = nullptr;
  std::string pending_;
  uint64_t events_ = 0;
  uint32_t crc_ = 0;
};
