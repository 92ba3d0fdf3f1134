// SPDX-License-Identifier: Apache-2.0
#include "shadow.h"

#include <cstring>

#include "fatal.h"

Shadow::Shadow(TraceFile& trace, uint64_t base, uint64_t size, int harts)
    : trace_(trace), next_(base / kPage + kScratch), end_((base + size) / kPage), harts_(harts) {}

uint64_t Shadow::page(uint64_t ppn) { return page_of(ppn).number; }

Shadow::Page& Shadow::page_of(uint64_t ppn) {
  auto& page = pages_[ppn];
  if (page == nullptr) {
    if (next_ == end_) fatal("vector instructions reach more than the %zu pages that the trace has RAM for", pages_.size());
    page = std::make_unique<Page>();
    page->number = next_++;
  }
  return *page;
}

void Shadow::order(int hart, Page& page, unsigned line, bool write) {
  if (harts_ == 1) return;
  uint8_t me = 1 << hart, others = ~me;
  if (page.epoch[line] != epoch_) page.readers[line] = page.writers[line] = 0;
  if ((page.writers[line] & others) || (write && (page.readers[line] & others))) {
    trace_.sync();
    ++syncs_;
    ++epoch_;
    page.readers[line] = page.writers[line] = 0;
  }
  page.epoch[line] = epoch_;
  (write ? page.writers : page.readers)[line] |= me;
}

void Shadow::loaded(int hart, uint64_t ppn, const uint8_t* real, unsigned first, unsigned end) {
  Page& page = page_of(ppn);
  for (unsigned line = first / kLine; line * kLine < end; ++line) {
    unsigned at = line * kLine;
    if (page.valid[line] != ~0ull || memcmp(page.data + at, real + at, kLine) != 0) {
      order(hart, page, line, true);
      trace_.store(hart, page.number * kPage + at, reinterpret_cast<const char*>(real + at), kLine);
      ++stores_;
      memcpy(page.data + at, real + at, kLine);
      page.valid[line] = ~0ull;
    }
    order(hart, page, line, false);
  }
}

void Shadow::stored(int hart, uint64_t ppn, const uint8_t* real, unsigned first, unsigned end) {
  Page& page = page_of(ppn);
  for (unsigned at = first; at < end; ++at) page.valid[at / kLine] |= 1ull << at % kLine;
  memcpy(page.data + first, real + first, end - first);
  for (unsigned line = first / kLine; line * kLine < end; ++line) order(hart, page, line, true);
}
