// SPDX-License-Identifier: Apache-2.0
// Batch replay on Verilator: what vctx_tb_batch.sv does elsewhere, the same in every cycle. There only its signals are left,
// which are all that Python sees (front.h).
//
// One model a hart: its code, which all of them share, is evaluated only while it has work. Nothing of it is visible through
// VPI, so everything may be optimised, and Python is called only when something happens that it waits for.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include "Vvctx_tb_batch_hart__Dpi.h"
#include "files.h"
#include "front.h"
#include "hart.h"
#include "ram.h"
#include "record.h"
#if VM_TRACE_FST
#include "verilated_fst_c.h"
using Dump = VerilatedFstC;
#elif VM_TRACE_VCD
#include "verilated_vcd_c.h"
using Dump = VerilatedVcdC;
#endif

namespace {

constexpr uint64_t kHalfPeriod = 5000;  // ps

Output outputs[kOutputs];

class Bench {
 public:
  explicit Bench(VerilatedContext* context) : context_{context}, front_{context} {}

  void run() {
    front_.begin();
    obey();
    uint64_t deadline = front_.deadline();
    while (!context_->gotFinish()) {
      if (busy_ && next_ <= deadline) {
        context_->time(next_);
        next_ += kHalfPeriod;
        high_ ? fall() : rise();
        high_ = !high_;
        if (heard_) {
          tell([this] { front_.settle(); });
          deadline = front_.deadline();
        }
        dump();
      } else if (deadline != Front::kNever) {
        context_->time(deadline);
        tell([this] { front_.tick(); });
        deadline = front_.deadline();
      } else {
        break;
      }
    }
    close();
    harts_.clear();
    front_.end();
  }

 private:
  // Let Python hear, and do what it says.
  template <typename How>
  void tell(How how) {
    front_.records = records_;
    how();
    obey();
  }

  void obey() {
    heard_ = false;
    if (front_.go != went_) {
      went_ = front_.go;
      stim_.open(file(0));
      for (int i = 0; i < kOutputs; i++) outputs[i].open(file(1 + i));
      if (harts_.empty()) build();
      busy_ = true;
      next_ = std::max(next_, context_->time() + kHalfPeriod);
    }
#if VM_TRACE
    if (front_.waves && !dumping_) {
      dump_.open(std::string(context_->commandArgsPlusMatch("dumpfile_path=")).substr(sizeof "+dumpfile_path=" - 1).c_str());
      dumping_ = true;
    }
#endif
  }

  int file(int number) { return static_cast<int>(front_.files[number]); }

  // The first record says how many harts there are.
  void build() {
    if (!stim_.read(&rec_)) throw Failure("the stimulus is empty");
    ram_ = std::make_unique<Ram>(rec_);
    for (unsigned i = 0; i < rec_.harts(); i++) {
      harts_.push_back(std::make_unique<Hart>(context_, static_cast<uint8_t>(i), rec_));
    }
#if VM_TRACE
    // The scopes of vctx_tb_batch.sv.
    using Trace = std::remove_pointer_t<decltype(dump_.spTrace())>;
    const auto open = [](void*, Trace* trace, uint32_t) {
      trace->pushPrefix("vctx_tb_batch", VerilatedTracePrefixType::SCOPE_MODULE);
    };
    const auto close = [](void*, Trace* trace, uint32_t) { trace->popPrefix(); };
    dump_.spTrace()->addInitCb(open, nullptr, "", false, 0);
    for (auto& hart : harts_) hart->trace(&dump_);
    dump_.spTrace()->addInitCb(close, nullptr, "", false, 0);
#endif
  }

  void rise() {
    for (auto& hart : harts_) {
      if (hart->awake()) hart->rise();
    }
  }

  void fall() {
    for (auto& hart : harts_) {
      if (hart->awake()) hart->write(ram_.get());
    }
    if (!reset_) deliver();
    for (auto& hart : harts_) hart->settle(reset_);
    if (++cycle_ == kResetCycles) reset_ = false;
    bool dead = false;
    for (auto& hart : harts_) {
      if (!hart->awake()) continue;
      hart->fall(*ram_, reset_);
      dead |= hart->dead() && !reset_;
    }
    if (dead || over_) {
      over_ = true;
      front_.over = 1;
      if (busy_) finish();
    }
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
          if (more) ram_->store(rec_);
          held_ = !more;
          break;
        default: {
          const bool drained = std::all_of(harts_.begin(), harts_.end(), [](auto& hart) { return hart->done(); });
          if (drained && rec_.kind() == kFlush) finish();
          if (drained && rec_.kind() == kEnd && !ram_->dump("ram.hex")) throw Failure("cannot write ram.hex");
          over_ = drained && (rec_.kind() == kEnd || rec_.kind() == kStop);
          more = drained && rec_.kind() == kSync;
          held_ = !drained;
        }
      }
    }
  }

  void next() {
    if (records_ == front_.watched) {
      front_.reached = 1;
      heard_ = true;
    }
    if (!stim_.read(&rec_)) rec_.bytes[0] = kStop;
    records_++;
  }

  // The chunk is done: what it wrote is there.
  void finish() {
    for (Output& output : outputs) output.close();
    busy_ = false;
    front_.chunks++;
    heard_ = true;
  }

  void dump() {
#if VM_TRACE
    if (dumping_) dump_.dump(context_->time());
#endif
  }

  void close() {
#if VM_TRACE
    if (dumping_) dump_.close();
#endif
  }

  VerilatedContext* context_;
  Front front_;
  Input stim_;
  Record rec_;
  bool held_ = false;    // rec_ is still to be delivered
  bool busy_ = false;    // with a chunk
  bool heard_ = false;   // something that Python waits for
  bool high_ = false;    // the clock
  bool reset_ = true, over_ = false;
  uint8_t went_ = 0;     // front_.go at the start of the chunk
  unsigned cycle_ = 0;
  uint64_t next_ = 0;    // change of the clock
  uint64_t records_ = 0; // read so far
  std::unique_ptr<Ram> ram_;
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
  try {
    Bench(&context).run();
  } catch (const Failure& failure) {
    std::fprintf(stderr, "%s\n", failure.what());
    std::_Exit(1);  // with threads of Python, which nobody can end now
  }
  return 0;
}
