// SPDX-License-Identifier: Apache-2.0
// The files of a run: records that come in, and words that go out. Each chunk has files of its own, which are open already;
// it uses them from their start.

#pragma once

#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <stdexcept>

#include "record.h"

constexpr size_t kBuffer = 1 << 16;

// The run cannot go on.
struct Failure : std::runtime_error {
  using std::runtime_error::runtime_error;
};

inline void rewind_file(int file) {
  if (lseek(file, 0, SEEK_SET) != 0) throw Failure("a descriptor of a chunk is no file");
}

class Input {
 public:
  void open(int file) {
    file_ = file;
    at_ = end_ = 0;
    rewind_file(file_);
  }
  bool read(Record* rec) {
    if (at_ == end_) {
      const ssize_t count = ::read(file_, buffer_, sizeof buffer_);
      at_ = 0;
      end_ = count > 0 ? static_cast<size_t>(count) / sizeof *rec : 0;
      if (end_ == 0) return false;
    }
    *rec = buffer_[at_++];
    return true;
  }

 private:
  int file_ = -1;
  size_t at_ = 0, end_ = 0;
  Record buffer_[kBuffer / sizeof(Record)];
};

class Output {
 public:
  void open(int file) {
    file_ = file;
    rewind_file(file_);
  }
  void word(uint64_t data) {
    std::memcpy(&buffer_[used_], &data, sizeof data);
    used_ += sizeof data;
    if (used_ == kBuffer) flush();
  }
  // Everything is in the file now, and nothing else.
  void close() {
    flush();
    if (ftruncate(file_, lseek(file_, 0, SEEK_CUR)) != 0) throw Failure("cannot write an output");
  }

 private:
  void flush() {
    for (size_t at = 0; at < used_;) {
      const ssize_t count = ::write(file_, buffer_ + at, used_ - at);
      if (count <= 0) throw Failure("cannot write an output");
      at += static_cast<size_t>(count);
    }
    used_ = 0;
  }

  int file_ = -1;
  size_t used_ = 0;
  char buffer_[kBuffer];
};
