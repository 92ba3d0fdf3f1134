// SPDX-License-Identifier: Apache-2.0
// What Python sees of a run: the signals of vctx_tb_batch.sv, and time. cocotb knows them through VPI, and everything that it
// has registered is called here, in the order that IEEE 1800 gives the regions of a time step.

#pragma once

#include <cstdint>

#include "Vvctx_tb_batch.h"
#include "Vvctx_tb_batch___024root.h"
#include "verilated.h"
#include "verilated_vpi.h"

extern "C" void vlog_startup_routines_bootstrap();  // of cocotb's library

class Front {
 public:
  static constexpr uint64_t kNever = ~uint64_t{0};

  explicit Front(VerilatedContext* context) : top_{context, ""} {
    Verilated::fatalOnVpiError(false);  // cocotb asks for what there is by trying
  }

  void begin() {
    vlog_startup_routines_bootstrap();
    VerilatedVpi::callCbs(cbStartOfSimulation);
    settle();
  }

  // Whoever waits for a change of a signal, or for the end of this time step, is called.
  void settle() {
    do {
      do {
        top_.eval_step();
        VerilatedVpi::clearEvalNeeded();
        changes();
      } while (VerilatedVpi::evalNeeded());
      VerilatedVpi::callCbs(cbReadWriteSynch);
      changes();
    } while (VerilatedVpi::evalNeeded());
    top_.eval_end_step();
    VerilatedVpi::callCbs(cbReadOnlySynch);
  }

  // The time that somebody waits for.
  static uint64_t deadline() { return VerilatedVpi::cbNextDeadline(); }

  // It has come.
  void tick() {
    VerilatedVpi::callCbs(cbNextSimTime);
    VerilatedVpi::callTimedCbs();
    settle();
  }

  void end() {
    top_.final();
    VerilatedVpi::callCbs(cbEndOfSimulation);
  }

 private:
  static void changes() {
    VerilatedVpi::doInertialPuts();
    while (VerilatedVpi::callValueCbs()) {
    }
  }

  Vvctx_tb_batch top_;

 public:
  // See vctx_tb_batch.sv.
  const CData& go = top_.rootp->vctx_tb_batch__DOT__go;
  const VlWide<5>& files = top_.rootp->vctx_tb_batch__DOT__files;
  const QData& watched = top_.rootp->vctx_tb_batch__DOT__watched;
  const CData& waves = top_.rootp->vctx_tb_batch__DOT__waves;
  IData& chunks = top_.rootp->vctx_tb_batch__DOT__chunks;
  CData& over = top_.rootp->vctx_tb_batch__DOT__over;
  CData& reached = top_.rootp->vctx_tb_batch__DOT__reached;
  QData& records = top_.rootp->vctx_tb_batch__DOT__records;
};
