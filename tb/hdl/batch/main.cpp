// Drives a batch testbench built by Verilator: its clocks, and its files (vctx_tb_io_pkg.sv).
//
// A hart that sleeps gets no clock, so only what works is evaluated.

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <vector>

#include "Vvctx_tb_batch.h"
#include "svdpi.h"
#include "verilated.h"

namespace {

constexpr size_t kRecordWords = 16;  // of 32 bits
constexpr size_t kBuffer = 1 << 20;
constexpr uint64_t kHalfPeriod = 5000;  // ps

std::vector<FILE*> files{nullptr};  // 0 is no file

}  // namespace

extern "C" int io_open(const char* path, svBit for_writing) {
  FILE* file = std::fopen(path, for_writing ? "wb" : "rb");
  if (file == nullptr) return 0;
  std::setvbuf(file, nullptr, _IOFBF, kBuffer);
  files.push_back(file);
  return static_cast<int>(files.size()) - 1;
}

extern "C" svBit io_read_record(int file, svBitVecVal* rec) {
  uint32_t words[kRecordWords];
  if (fread_unlocked(words, sizeof words, 1, files[file]) != 1) return 0;
  // The record comes most significant byte first.
  for (size_t i = 0; i < kRecordWords; i++) rec[kRecordWords - 1 - i] = __builtin_bswap32(words[i]);
  return 1;
}

extern "C" void io_write(int file, int bytes, const svBitVecVal* data) {
  fwrite_unlocked(data, static_cast<size_t>(bytes), 1, files[file]);
}

extern "C" void io_flush(int file) { std::fflush(files[file]); }

int main(int argc, char** argv) {
  VerilatedContext context;
  context.commandArgs(argc, argv);
  context.traceEverOn(true);  // for builds that can dump waves
  Vvctx_tb_batch top{&context, ""};
  top.clk_i = 0;
  top.hart_clk_i = 0;
  top.eval();
  while (!context.gotFinish()) {
    top.clk_i = 1;
    top.hart_clk_i = top.awake_o;
    top.eval();
    context.timeInc(kHalfPeriod);
    top.clk_i = 0;
    top.hart_clk_i = 0;
    top.eval();
    context.timeInc(kHalfPeriod);
  }
  top.final();
  for (FILE* file : files) {
    if (file != nullptr) std::fclose(file);
  }
  return 0;
}
