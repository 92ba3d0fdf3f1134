// SPDX-License-Identifier: Apache-2.0
// The records that tb/replay/batch/stimulus.py writes: rec_*_t of vctx_tb_pkg.sv, most significant byte first.

#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

enum Kind : uint8_t { kConfig, kInsn, kStore, kCheckpoint, kSync, kFlush, kEnd, kStop, kPages };

constexpr size_t kStoreBytes = 32;
constexpr unsigned kMany = 3;  // MANY of vctx_tb_pkg.sv

struct Record {
  uint8_t bytes[80];
  Kind kind() const { return static_cast<Kind>(bytes[0]); }
  uint8_t hart() const { return bytes[1]; }
  uint16_t u16(size_t at) const { return static_cast<uint16_t>(bytes[at] << 8 | bytes[at + 1]); }
  uint32_t u32(size_t at) const {
    uint32_t value;
    std::memcpy(&value, bytes + at, sizeof value);
    return __builtin_bswap32(value);
  }
  uint64_t u64(size_t at) const {
    uint64_t value;
    std::memcpy(&value, bytes + at, sizeof value);
    return __builtin_bswap64(value);
  }

  // kConfig
  unsigned harts() const { return bytes[1]; }
  uint8_t fill() const { return bytes[2]; }
  uint64_t ram_base() const { return u64(16); }
  uint64_t ram_size() const { return u64(24); }

  // kStore
  uint32_t strobes() const { return u32(4); }
  uint64_t address() const { return u64(8); }
  uint8_t data(size_t i) const { return bytes[16 + kStoreBytes - 1 - i]; }
};
static_assert(sizeof(Record) == 80);
