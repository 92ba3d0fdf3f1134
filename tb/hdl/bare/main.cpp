// SPDX-License-Identifier: Apache-2.0
// The limit of what Verilator can do: replays the stimulus of a batch replay on the block alone, and checks nothing.
//
//     bare STIMULUS [RAM]      (RAM: a file for the final image of memory)
//
// One model a hart, clocked only while it has work; memory answers in the next cycle; the translate port at once.
// Prints {"instructions", "cycles", "seconds"}: retired, summed over harts, and of the loop alone.
//
// The records are those of tb/replay/batch/stimulus.py (rec_*_t of vctx_tb_pkg.sv). Harts depend on each other only where they
// wait for each other, so records may be taken in the order of the file, one at a time.

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include "../batch/ram.h"
#include "../batch/record.h"
#include "Vvctx.h"
#include "verilated.h"

namespace {

constexpr unsigned kBeat = DLEN / 8;
constexpr unsigned kOkay = 0, kDecErr = 3;
constexpr unsigned kResetCycles = 4;
constexpr uint64_t kHang = 1'000'000;  // cycles without progress

[[noreturn]] void die(const char* why) {
  std::fprintf(stderr, "bare: %s\n", why);
  std::exit(1);
}

struct Burst {
  uint64_t addr;
  unsigned left;  // beats, this one included
};

// Bursts in order; more than the block ever has under way.
struct Bursts {
  Burst entries[16];
  unsigned head = 0, count = 0;
  bool empty() const { return count == 0; }
  Burst& front() { return entries[head]; }
  void push(uint64_t addr, unsigned beats) {
    if (count == 16) die("more bursts than expected");
    entries[(head + count++) % 16] = {addr & -uint64_t{kBeat}, beats};
  }
  void pop() {
    head = (head + 1) % 16;
    count--;
  }
};

class Hart {
 public:
  Hart(VerilatedContext* context, Ram* ram) : top_{context}, ram_{ram} {
    top_.axi_arready_i = top_.axi_awready_i = top_.axi_wready_i = 1;
    for (unsigned i = 0; i < kResetCycles; i++) clock();
    top_.rst_ni = 1;
  }
  ~Hart() { top_.final(); }

  void issue(const Record& rec) {
    const unsigned flags = rec.bytes[3];
    top_.issue_valid_i = 1;
    top_.issue_insn_i = rec.u32(12);
    top_.issue_rs1_i = rec.u64(16);
    top_.issue_rs2_i = rec.u64(24);
    top_.issue_prv_i = rec.bytes[2];
    top_.issue_virt_i = flags & 1;
    top_.issue_fs_dirty_i = flags >> 1 & 1;
    top_.issue_vsfs_dirty_i = flags >> 2 & 1;
    top_.irq_valid_i = flags >> 3 & 1;
    top_.irq_elem_i = rec.u16(4);
    const uint64_t start = cycles_;
    while (!cycle()) {
      if (cycles_ - start > kHang) die("an instruction is not accepted");
    }
    top_.issue_valid_i = 0;
    flying_++;
    pages_ = &rec;
  }

  // Run until everything has retired.
  void drain() {
    const uint64_t start = cycles_;
    while (flying_ != 0) {
      cycle();
      if (cycles_ - start > kHang) die("an instruction does not retire");
    }
  }

  uint64_t retired() const { return retired_; }
  uint64_t cycles() const { return cycles_; }

 private:
  void clock() {
    top_.clk_i = 0;
    top_.eval();
    top_.clk_i = 1;
    top_.eval();
  }

  // One clock cycle; tells whether the instruction on offer was accepted.
  bool cycle() {
    if (top_.xlat_valid_o) translate();
    top_.clk_i = 0;
    top_.eval();

    // Every handshake of the cycle, before the clock edge.
    const bool accepted = top_.issue_valid_i & top_.issue_ready_o;
    const bool read_taken = top_.axi_rvalid_i & top_.axi_rready_o;
    const bool answer_taken = top_.axi_bvalid_i & top_.axi_bready_o;
    if (top_.retire_valid_o) {
      retired_++;
      flying_--;
    }
    if (top_.axi_awvalid_o) writes_.push(top_.axi_awaddr_o, top_.axi_awlen_o + 1u);
    if (top_.axi_wvalid_o) write_beat();
    if (read_taken && --reads_.front().left == 0) {
      reads_.pop();
    } else if (read_taken) {
      reads_.front().addr += kBeat;
    }
    if (top_.axi_arvalid_o) reads_.push(top_.axi_araddr_o, top_.axi_arlen_o + 1u);
    if (answer_taken) answers_.pop();

    top_.clk_i = 1;
    top_.eval();
    cycles_++;

    top_.xlat_ready_i = 0;
    if (read_taken || !top_.axi_rvalid_i) read_beat();
    top_.axi_bvalid_i = !answers_.empty();
    if (!answers_.empty()) top_.axi_bresp_i = ram_->inside(answers_.front().addr, kBeat) ? kOkay : kDecErr;
    return accepted;
  }

  void translate() {
    const Record& rec = *pages_;
    const unsigned given = rec.bytes[3] >> 4 & 3;
    if (given == kMany) die("an instruction with more than two pages");
    for (unsigned i = 0; i < given; i++) {
      if ((rec.u64(32 + 16 * i) & ((uint64_t{1} << 52) - 1)) != top_.xlat_vpn_o) continue;
      const unsigned fault = rec.bytes[6 + i];
      const uint64_t target = rec.u64(40 + 16 * i);
      top_.xlat_ready_i = 1;
      top_.xlat_fault_i = fault != 0;
      top_.xlat_cause_i = fault;
      top_.xlat_ppn_i = fault ? 0 : target & ((uint64_t{1} << 44) - 1);
      top_.xlat_gpn_i = fault ? target & ((uint64_t{1} << 52) - 1) : 0;
      return;
    }
    die("a translation of a page that the trace does not have");
  }

  void read_beat() {
    top_.axi_rvalid_i = !reads_.empty();
    if (reads_.empty()) return;
    const Burst& burst = reads_.front();
    top_.axi_rlast_i = burst.left == 1;
    top_.axi_rresp_i = ram_->inside(burst.addr, kBeat) ? kOkay : kDecErr;
    ram_->read<kBeat>(burst.addr, &top_.axi_rdata_i);
  }

  void write_beat() {
    if (writes_.empty()) die("data before their address");
    Burst& burst = writes_.front();
    ram_->write<kBeat>(burst.addr, &top_.axi_wdata_o, reinterpret_cast<const uint8_t*>(&top_.axi_wstrb_o));
    const uint64_t addr = burst.addr;
    burst.addr += kBeat;
    if (--burst.left == 0) {
      writes_.pop();
      answers_.push(addr, 1);
    }
  }

  Vvctx top_;
  Ram* ram_;
  const Record* pages_ = nullptr;  // the youngest accepted instruction, which has the answers of the translate port
  Bursts reads_, writes_, answers_;
  unsigned flying_ = 0;
  uint64_t retired_ = 0, cycles_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2 && argc != 3) die("usage: bare STIMULUS [RAM]");
  const int file = open(argv[1], O_RDONLY);
  struct stat facts{};
  if (file < 0 || fstat(file, &facts) != 0) die("cannot read the stimulus");
  const size_t count = static_cast<size_t>(facts.st_size) / sizeof(Record);
  void* mapped = mmap(nullptr, facts.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, file, 0);
  if (mapped == MAP_FAILED || count == 0) die("cannot map the stimulus");
  const Record* records = static_cast<const Record*>(mapped);
  if (records[0].kind() != kConfig || records[count - 1].kind() != kEnd) die("not a whole stimulus");

  Ram ram{records[0]};
  VerilatedContext context;
  std::vector<std::unique_ptr<Hart>> harts;
  const auto started = std::chrono::steady_clock::now();
  for (size_t i = 1; i < count; i++) {
    const Record& rec = records[i];
    switch (rec.kind()) {
      case kInsn:
        while (harts.size() <= rec.hart()) harts.push_back(std::make_unique<Hart>(&context, &ram));
        harts[rec.hart()]->issue(rec);
        break;
      case kStore:
        if (rec.hart() < harts.size()) harts[rec.hart()]->drain();
        ram.store(rec);
        break;
      case kSync:
      case kEnd:
        for (auto& hart : harts) hart->drain();
        break;
      default:  // a checkpoint observes, a flush writes files
        break;
    }
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - started;

  uint64_t instructions = 0, cycles = 0;
  for (auto& hart : harts) {
    instructions += hart->retired();
    cycles += hart->cycles();
  }
  std::printf("{\"instructions\": %llu, \"cycles\": %llu, \"seconds\": %.6f}\n",
              static_cast<unsigned long long>(instructions), static_cast<unsigned long long>(cycles), seconds.count());
  if (argc == 3) {
    FILE* out = std::fopen(argv[2], "wb");
    if (out == nullptr || std::fwrite(ram.bytes().data(), 1, ram.bytes().size(), out) != ram.bytes().size()) {
      die("cannot write the image of memory");
    }
    std::fclose(out);
  }
  return 0;
}
