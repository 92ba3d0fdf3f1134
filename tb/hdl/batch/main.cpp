// SPDX-License-Identifier: Apache-2.0
// Batch replay on Verilator: clocks, queues, RAM and files of the harts, each a model of vctx_tb_batch_hart. It does what
// vctx_tb_batch.sv does elsewhere, the same in every cycle, and takes the same plus arguments.
//
// One model a hart: its code, which all of them share, is evaluated only while it has work.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "Vvctx_tb_batch_hart.h"
#include "Vvctx_tb_batch_hart__Dpi.h"
#include "Vvctx_tb_batch_hart_vctx_tb_stream_pkg.h"
#include "ram.h"
#include "record.h"
#include "verilated.h"
#if VM_TRACE_FST
#include "verilated_fst_c.h"
using Dump = VerilatedFstC;
#elif VM_TRACE_VCD
#include "verilated_vcd_c.h"
using Dump = VerilatedVcdC;
#endif

namespace {

constexpr unsigned kBeat = DLEN / 8;
constexpr uint64_t kHalfPeriod = 5000;  // ps
constexpr size_t kBuffer = 1 << 16;
// As in vctx_tb_batch.sv: they decide in which cycle what happens, which tests compare.
using Pkg = Vvctx_tb_batch_hart_vctx_tb_stream_pkg;
constexpr unsigned kDepth = Pkg::QueueDepth, kResetCycles = Pkg::ResetCycles, kDrowsy = Pkg::Drowsy;
enum File : int { kObs, kVregs, kReads, kWrites, kFiles };

[[noreturn]] void die(const std::string& why) {
  std::fprintf(stderr, "%s\n", why.c_str());
  std::exit(1);
}

// What a model writes, gathered until there is much of it, or somebody waits for it.
class Output {
 public:
  void open(const std::string& path) {
    file_ = std::fopen(path.c_str(), "wb");
    if (file_ == nullptr) die("cannot open " + path);
    std::setvbuf(file_, nullptr, _IONBF, 0);
  }
  void word(uint64_t data) {
    std::memcpy(&buffer_[used_], &data, sizeof data);
    used_ += sizeof data;
    if (used_ == kBuffer) flush();
  }
  void flush() {
    if (std::fwrite(buffer_, 1, used_, file_) != used_) std::exit(1);  // nobody listens any more
    used_ = 0;
  }

 private:
  FILE* file_ = nullptr;
  size_t used_ = 0;
  char buffer_[kBuffer];
};

Output outputs[kFiles];

// The value of +NAME=VALUE.
std::string argument(VerilatedContext* context, const std::string& name, const char* otherwise) {
  const std::string match = context->commandArgsPlusMatch((name + "=").c_str());
  return match.empty() ? otherwise : match.substr(name.size() + 2);
}

class Hart {
 public:
  Hart(VerilatedContext* context, uint8_t number, const Record& config)
      : top_{context, ("hart" + std::to_string(number)).c_str()} {
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

#if VM_TRACE
  void trace(Dump* dump) { top_.trace(dump, 99); }
#endif

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

class Bench {
 public:
  explicit Bench(VerilatedContext* context)
      : context_{context},
        stim_{open_stimulus(argument(context, "stim", ""))},
        rec_{first()},
        waves_from_{std::stoll(argument(context, "waves_from", "-1"))},
        until_{std::stoll(argument(context, "until", "-1"))},
        ram_{rec_} {
    const char* names[] = {"obs", "vregs", "reads", "writes"};
    for (int file = 0; file < kFiles; file++) outputs[file].open(argument(context, names[file], ""));
    for (unsigned i = 0; i < rec_.harts(); i++) {
      harts_.push_back(std::make_unique<Hart>(context, static_cast<uint8_t>(i), rec_));
    }
#if VM_TRACE
    if (waves_from_ >= 0) {
      for (auto& hart : harts_) hart->trace(&dump_);
    }
#endif
  }

  void run() {
    for (unsigned cycle = 1; !over_; cycle++) {
      for (auto& hart : harts_) {
        if (hart->awake()) hart->rise();
      }
      half();
      for (auto& hart : harts_) {
        if (hart->awake()) hart->write(&ram_);
      }
      if (!reset_) deliver();
      for (auto& hart : harts_) hart->settle(reset_);
      if (cycle == kResetCycles) reset_ = false;
      for (auto& hart : harts_) {
        if (!hart->awake()) continue;
        hart->fall(ram_, reset_);
        over_ |= hart->dead() && !reset_;
      }
      half();
    }
    flush();
#if VM_TRACE
    if (dumping_) dump_.close();
#endif
  }

 private:
  static FILE* open_stimulus(const std::string& path) {
    FILE* file = std::fopen(path.c_str(), "rb");
    if (file == nullptr) die("cannot open " + path);
    std::setvbuf(file, nullptr, _IOFBF, kBuffer);
    return file;
  }

  bool read(Record* rec) { return fread_unlocked(rec, sizeof *rec, 1, stim_) == 1; }

  Record first() {
    Record rec;
    if (!read(&rec)) die("the stimulus is empty");
    return rec;
  }

  void half() {
#if VM_TRACE
    if (dumping_) dump_.dump(context_->time());
#endif
    context_->timeInc(kHalfPeriod);
  }

  // Fill the queues until one is full or somebody must finish first.
  void deliver() {
    bool more = true;
    while (more) {
      if (!held_) next();
      switch (rec_.kind()) {
        case kInsn:
        case kPages:
        case kCheckpoint:
          more = !harts_[rec_.hart()]->full();
          if (more) harts_[rec_.hart()]->push(rec_);
          held_ = !more;
          break;
        case kStore:
          more = harts_[rec_.hart()]->done();
          if (more) ram_.store(rec_);
          held_ = !more;
          break;
        default: {
          const bool drained = std::all_of(harts_.begin(), harts_.end(), [](auto& hart) { return hart->done(); });
          if (drained && rec_.kind() == kFlush) flush();
          if (drained && rec_.kind() == kEnd && !ram_.dump("ram.hex")) die("cannot write ram.hex");
          over_ = drained && (rec_.kind() == kEnd || rec_.kind() == kStop);
          more = drained && rec_.kind() == kSync;
          held_ = !drained;
        }
      }
    }
  }

  void next() {
#if VM_TRACE
    if (records_ == waves_from_) {
      dump_.open(argument(context_, "waves", "dump").c_str());
      dumping_ = true;
    }
#endif
    if (records_ == until_ || !read(&rec_)) rec_.bytes[0] = kStop;
    records_++;
  }

  void flush() {
    for (Output& output : outputs) output.flush();
  }

  VerilatedContext* context_;
  FILE* stim_;
  Record rec_;
  bool held_ = false;  // rec_ is still to be delivered
  bool reset_ = true, over_ = false;
  long long records_ = 0, waves_from_, until_;  // read so far; -1: never
  Ram ram_;
  std::vector<std::unique_ptr<Hart>> harts_;
#if VM_TRACE
  Dump dump_;
  bool dumping_ = false;
#endif
};

}  // namespace

extern "C" void put_word(int file, unsigned long long data) { outputs[file].word(data); }

int main(int argc, char** argv) {
  VerilatedContext context;
  context.commandArgs(argc, argv);
  context.traceEverOn(true);  // for builds that can dump waves
  Bench(&context).run();
  return 0;
}
