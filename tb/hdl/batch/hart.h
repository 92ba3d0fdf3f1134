// SPDX-License-Identifier: Apache-2.0
// One hart: a model of vctx_tb_batch_hart with its queue.

#pragma once

#include <string>

#include "Vvctx_tb_batch_hart.h"
#include "Vvctx_tb_batch_hart_vctx_tb_stream_pkg.h"
#include "ram.h"
#include "record.h"
#include "verilated.h"

constexpr unsigned kBeat = DLEN / 8;
// As in vctx_tb_batch.sv: they decide in which cycle what happens, which tests compare.
using Pkg = Vvctx_tb_batch_hart_vctx_tb_stream_pkg;
constexpr unsigned kDepth = Pkg::QueueDepth, kResetCycles = Pkg::ResetCycles, kDrowsy = Pkg::Drowsy;
enum File : int { kObs, kVregs, kReads, kWrites, kOutputs };

class Hart {
 public:
  Hart(VerilatedContext* context, uint8_t number, const Record& config)
      : top_{context, ("gen_hart[" + std::to_string(number) + "]").c_str()} {
    top_.clk_i = 0;
    top_.rst_ni = 0;
    top_.number_i = number;
    put(config, &top_.config_i);
    top_.valid_i = 0;
    top_.obs_file_i = kObs;
    top_.vregs_file_i = kVregs;
    top_.reads_file_i = kReads;
    top_.writes_file_i = kWrites;
    top_.eval();
  }
  ~Hart() { top_.final(); }

  void rise() {
    if (top_.take_o) {
      head_++;
      shown_ = false;
    }
    top_.clk_i = 1;
    top_.eval();
  }

  void write(Ram* ram) {
    if (top_.write_o) {
      ram->write<kBeat>(top_.write_addr_o, &top_.write_data_o, reinterpret_cast<const uint8_t*>(&top_.write_strb_o));
    }
  }

  void fall(const Ram& ram, bool reset) {
    top_.clk_i = 0;
    top_.rst_ni = !reset;
    ram.read<kBeat>(top_.read_addr_o, &top_.read_data_i);
    top_.valid_i = head_ != tail_;
    if (top_.valid_i && !shown_) {
      put(queue_[head_ % kDepth], &top_.rec_i);
      shown_ = true;
    }
    top_.eval();
  }

  bool full() const { return tail_ - head_ == kDepth; }
  void push(const Record& rec) { queue_[tail_++ % kDepth] = rec; }

  // It has finished all that it was given.
  bool done() const { return top_.idle_o && head_ == tail_; }
  bool dead() const { return top_.dead_o; }

  void settle(bool reset) {
    if (reset || !done()) {
      rest_ = 0;
    } else if (rest_ != kDrowsy) {
      rest_++;
    }
  }
  bool awake() const { return rest_ != kDrowsy; }

  template <typename Dump>
  void trace(Dump* dump) { top_.trace(dump, 99); }

 private:
  template <typename Port>
  static void put(const Record& rec, Port* port) {
    constexpr size_t kWords = sizeof(Record) / 4;
    for (size_t i = 0; i < kWords; i++) port->at(kWords - 1 - i) = rec.u32(4 * i);
  }

  Vvctx_tb_batch_hart top_;
  Record queue_[kDepth];
  unsigned head_ = 0, tail_ = 0, rest_ = 0;
  bool shown_ = false;  // the head of the queue is at the port
};
