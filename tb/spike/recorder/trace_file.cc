// SPDX-License-Identifier: Apache-2.0
#include "trace_file.h"

#include <array>

#include "fatal.h"

namespace {

constexpr char kMagic[] = "VCTXTRC5";  // the format of the frames below
enum Kind : uint8_t { kInsn = 1, kStore = 2, kMark = 3, kSync = 4, kEnd = 0xff };
constexpr size_t kPending = 1 << 20;  // bytes that are gathered before they are written

constexpr std::array<uint32_t, 256> kCrcTable = [] {
  std::array<uint32_t, 256> table{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    table[byte] = byte;
    for (int bit = 0; bit < 8; ++bit) table[byte] = table[byte] >> 1 ^ (table[byte] & 1 ? 0xedb88320 : 0);
  }
  return table;
}();

// CRC-32 as zlib has it, which need not be installed for C++.
uint32_t crc32(uint32_t crc, const std::string& bytes) {
  crc = ~crc;
  for (unsigned char byte : bytes) crc = crc >> 8 ^ kCrcTable[(crc ^ byte) & 255];
  return ~crc;
}

template <class T>
void add(std::string& bytes, T value) {
  bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
}

std::string json_text(const std::string& text) {
  std::string quoted = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + '"';
}

}  // namespace

void TraceFile::open(const std::string& path, const std::string& head) {
  if (head.compare(0, sizeof kMagic - 1, kMagic) != 0) fatal("the recorder writes %s, not what Python reads", kMagic);
  file_ = fopen(path.c_str(), "wb");
  if (file_ == nullptr) fatal("cannot write %s", path.c_str());
  write(head);
  flush();
}

void TraceFile::record(const Record& record, unsigned vlenb) {
  std::string bytes;
  add<uint8_t>(bytes, record.hart);
  add(bytes, record.pc);
  add(bytes, record.insn);
  add(bytes, record.rs1);
  add(bytes, record.rs2);
  add(bytes, record.prv);
  add<uint8_t>(bytes, record.virt | record.fs_dirty << 1 | record.vsfs_dirty << 2);
  add<uint16_t>(bytes, 0);  // no interrupt
  add<uint16_t>(bytes, record.xlat.size());
  bool trapped = record.cause != kNoTrap;
  add<uint8_t>(bytes, trapped | record.has_rd << 2);
  add<uint8_t>(bytes, trapped ? record.cause : 0);
  add(bytes, record.tval);
  add(bytes, record.tval2);
  add(bytes, record.rd);
  add(bytes, record.state.vl);
  add(bytes, record.state.vtype);
  add(bytes, record.state.vstart);
  add(bytes, record.state.vcsr);
  add(bytes, record.state.mstatus_vs);
  add(bytes, record.state.vsstatus_vs);
  add(bytes, record.registers);
  add<uint16_t>(bytes, record.registers ? vlenb : 0);
  add<uint16_t>(bytes, record.stored.size());
  bytes += record.values;
  for (const auto& [paddr, data] : record.stored) {
    add(bytes, paddr);
    add<uint16_t>(bytes, data.size());
    bytes += data;
  }
  for (const Translation& page : record.xlat) {
    add(bytes, page.vpn);
    add(bytes, page.ppn);
    add(bytes, page.fault);
    add(bytes, page.gpn);
  }
  frame(kInsn, bytes);
}

void TraceFile::store(int hart, uint64_t paddr, const char* data, size_t size) {
  std::string bytes;
  add<uint8_t>(bytes, hart);
  add(bytes, paddr);
  bytes.append(data, size);
  frame(kStore, bytes);
}

void TraceFile::sync() { frame(kSync, ""); }

void TraceFile::mark(int hart, bool enter, const std::string& what, const std::string& who, const std::string& regions) {
  frame(kMark, "[" + std::to_string(hart) + ", " + (enter ? "true" : "false") + ", " + json_text(what) + ", " +
                   json_text(who) + ", " + regions + "]");
}

void TraceFile::frame(uint8_t kind, const std::string& payload) {
  std::string bytes;
  add(bytes, kind);
  add<uint32_t>(bytes, payload.size());
  write(bytes + payload);
  ++events_;
}

void TraceFile::write(const std::string& bytes) {
  pending_ += bytes;
  if (pending_.size() > kPending) flush();
}

void TraceFile::flush() {
  crc_ = crc32(crc_, pending_);
  if (fwrite(pending_.data(), 1, pending_.size(), file_) != pending_.size() || fflush(file_) != 0)
    fatal("cannot write the trace: %m");
  pending_.clear();
}

void TraceFile::close() {
  flush();
  std::string end;
  add<uint8_t>(end, kEnd);
  add<uint32_t>(end, 12);
  add(end, events_);
  add(end, crc_);
  if (fwrite(end.data(), 1, end.size(), file_) != end.size() || fclose(file_) != 0) fatal("cannot write the trace: %m");
  file_ = nullptr;
}
