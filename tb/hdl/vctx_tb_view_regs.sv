// SPDX-License-Identifier: Apache-2.0
// The vector registers, as waves show them: the storage of the register file itself, which simulators leave out of a dump
// because it is an array. It stands beside the block, for the reason that vctx_tb_probe.sv gives.
//
// Only in builds that can dump waves.

`default_nettype none

module vctx_tb_view_regs #(
  parameter int VLEN = 256,
  parameter int DLEN = 128,
  parameter bit HasV = 1     // 0: there is no register file
) ();

  localparam int Banks = HasV ? DLEN / 64 : 0;
  localparam int Rows = 32 * VLEN / DLEN;

  // verilator tracing_off
  logic [32*VLEN-1:0] storage;
  // verilator tracing_on
  logic [VLEN-1:0] v0, v1, v2, v3, v4, v5, v6, v7, v8, v9, v10, v11, v12, v13, v14, v15;
  logic [VLEN-1:0] v16, v17, v18, v19, v20, v21, v22, v23, v24, v25, v26, v27, v28, v29, v30, v31;
  assign {v31, v30, v29, v28, v27, v26, v25, v24, v23, v22, v21, v20, v19, v18, v17, v16,
          v15, v14, v13, v12, v11, v10, v9, v8, v7, v6, v5, v4, v3, v2, v1, v0} = storage;

  for (genvar b = 0; b < Banks; b++) begin : gen_bank
    for (genvar r = 0; r < Rows; r++) begin : gen_row
`ifdef VERILATOR
      assign storage[DLEN*r + 64*b +: 64] = u_dut.u_regfile.gen_bank[b].mem[r];
`else
      always @(u_dut.u_regfile.gen_bank[b].mem[r]) begin
        storage[DLEN*r + 64*b +: 64] = u_dut.u_regfile.gen_bank[b].mem[r];
      end
`endif
    end
  end

  if (Banks == 0) begin : gen_none
    assign storage = '0;
  end

endmodule

`default_nettype wire
