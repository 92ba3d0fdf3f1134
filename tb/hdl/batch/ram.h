// SPDX-License-Identifier: Apache-2.0
// RAM of all harts, for testbenches in C++. What vctx_tb_ram.sv is for the others.

#pragma once

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <vector>

#include "record.h"

class Ram {
 public:
  explicit Ram(const Record& config)
      : base_{config.ram_base()},
        fill_{config.fill()},
        bytes_(config.ram_size(), config.fill()),
        written_((config.ram_size() + kPage - 1) / kPage) {}

  // One beat; outside RAM there is only the fill pattern.
  template <unsigned kBytes>
  void read(uint64_t addr, void* to) const {
    if (inside(addr, kBytes)) {
      std::memcpy(to, &bytes_[addr - base_], kBytes);
    } else {
      std::memset(to, fill_, kBytes);
    }
  }

  // The bytes of one beat that have their strobe set; what is outside RAM has nowhere to go.
  template <unsigned kBytes>
  void write(uint64_t addr, const void* from, const uint8_t* strobes) {
    if (!inside(addr, kBytes)) return;
    uint8_t* to = &bytes_[addr - base_];
    const uint8_t* data = static_cast<const uint8_t*>(from);
    for (unsigned lane = 0; lane < kBytes / 8; lane++, to += 8, data += 8) {
      if (strobes[lane] == 0xff) {
        std::memcpy(to, data, 8);
      } else {
        for (unsigned i = 0; i < 8; i++) {
          if (strobes[lane] >> i & 1) to[i] = data[i];
        }
      }
      if (strobes[lane] != 0) written_[(addr - base_) / kPage] = 1;
    }
  }

  void store(const Record& rec) {
    const uint32_t strobes = rec.strobes();
    for (size_t i = 0; i < kStoreBytes; i++) {
      const uint64_t addr = rec.address() + i;
      if ((strobes >> i & 1) == 0 || !inside(addr, 1)) continue;
      bytes_[addr - base_] = rec.data(i);
      written_[(addr - base_) / kPage] = 1;
    }
  }

  bool inside(uint64_t addr, unsigned size) const { return addr - base_ <= bytes_.size() - size; }

  const std::vector<uint8_t>& bytes() const { return bytes_; }

  // Every page that was written, in the format of vctx_tb_ram.sv: its address, then words, the last of a line first.
  bool dump(const char* path) const {
    FILE* file = std::fopen(path, "w");
    if (file == nullptr) return false;
    for (size_t page = 0; page < written_.size(); page++) {
      if (!written_[page]) continue;
      std::fprintf(file, "@%014llx\n", static_cast<unsigned long long>(base_ + page * kPage));
      for (size_t line = 0; line < kPage; line += kLine) {
        for (size_t i = kLine; i-- > 0;) {
          const size_t at = page * kPage + line + i;
          std::fprintf(file, "%02x", at < bytes_.size() ? bytes_[at] : fill_);
        }
        std::fputc('\n', file);
      }
    }
    return std::fclose(file) == 0;
  }

 private:
  static constexpr size_t kPage = 4096, kLine = 512;

  uint64_t base_;
  uint8_t fill_;
  std::vector<uint8_t> bytes_;
  std::vector<uint8_t> written_;  // pages, each 0 or 1
};
