// SPDX-License-Identifier: Apache-2.0
// Memory as the trace has it: the pages that vector instructions reach, one behind the other from the base of a small RAM.
//
// Scalar stores are not seen. Each vector load compares the lines that it reads with the real memory, and what differs is
// put into the trace as a store before it. Between harts, an access to a line that another hart wrote, or a write to one
// that another hart read, since the last sync gets a sync before it.
#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>

#include "trace_file.h"

class Shadow {
 public:
  Shadow(TraceFile& trace, uint64_t base, uint64_t size, int harts);

  // The page of the trace that stands for a physical page; `kScratch` of the first are the recorder's own.
  uint64_t page(uint64_t ppn);
  static constexpr uint64_t kScratch = 16;

  // The bytes of a page that a vector load of `hart` is about to have read, out of the real page.
  void loaded(int hart, uint64_t ppn, const uint8_t* real, unsigned first, unsigned end);
  // The bytes that a vector store of `hart` has written; they are in the trace by the record itself.
  void stored(int hart, uint64_t ppn, const uint8_t* real, unsigned first, unsigned end);

  uint64_t syncs() const { return syncs_; }
  uint64_t stores() const { return stores_; }
  uint64_t pages() const { return pages_.size(); }

 private:
  static constexpr unsigned kPage = 4096, kLine = 64, kLines = kPage / kLine;
  struct Page {
    uint64_t number;
    uint8_t data[kPage];
    uint64_t valid[kLines];  // bit i of each for byte i of the line
    uint32_t epoch[kLines];
    uint8_t readers[kLines], writers[kLines];  // harts since the last sync
  };
  Page& page_of(uint64_t ppn);
  void order(int hart, Page& page, unsigned line, bool write);

  TraceFile& trace_;
  std::unordered_map<uint64_t, std::unique_ptr<Page>> pages_;
  uint64_t next_, end_;
  int harts_;
  uint32_t epoch_ = 1;
  uint64_t syncs_ = 0, stores_ = 0;
};
