// SPDX-License-Identifier: Apache-2.0
// What vctx_tb_batch.sv and main.cpp have in common: in which cycle something happens, and the output streams. Icarus writes
// those itself, four-valued; Verilator through main.cpp, because its own $fwrite costs more than the design.

`default_nettype none

package vctx_tb_stream_pkg;

  import vctx_tb_pkg::rec_obs_t;

  parameter int QueueDepth /* verilator public */ = 16;  // records that a hart was given and has not taken
  parameter int ResetCycles /* verilator public */ = 4;
  parameter int Drowsy /* verilator public */ = 8;  // cycles from the last work of a hart to its sleep

`ifdef VERILATOR

  import "DPI-C" function void put_word(input int file, input longint unsigned data);

  function automatic void put_obs(input int file, input rec_obs_t obs);
    for (int i = 0; i < $bits(rec_obs_t); i += 64) put_word(file, obs[i +: 64]);
  endfunction

`else

  // As a pair for each 32 bits, their value and their unknown bits.
  function automatic void put_word(input int file, input logic [63:0] data);
    $fwrite(file, "%z", data);
  endfunction

  function automatic void put_obs(input int file, input rec_obs_t obs);
    $fwrite(file, "%z", obs);
  endfunction

`endif

endpackage

`default_nettype wire
