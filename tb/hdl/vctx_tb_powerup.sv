// SPDX-License-Identifier: Apache-2.0
// What the storage of the register file holds when power comes: in every row something else, from the seed of the run.
//
// All words of an array have one and the same random value on Verilator, and what went from one unwritten row to another
// would go unseen. Icarus has X there, which must not be resolved.
//
// It stands beside the block, as vctx_tb_probe does.

`default_nettype none

module vctx_tb_powerup #(
  parameter int VLEN = 256,
  parameter int DLEN = 128,
  parameter bit HasV = 1     // 0: there is no register file
);

`ifdef VERILATOR
  for (genvar b = 0; b < (HasV ? DLEN / 64 : 0); b++) begin : gen_bank
    initial begin
      for (int r = 0; r < 32 * VLEN / DLEN; r++) u_dut.u_regfile.gen_bank[b].mem[r] = {$urandom, $urandom};
    end
  end
`endif

endmodule

`default_nettype wire
