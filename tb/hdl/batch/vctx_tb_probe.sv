// SPDX-License-Identifier: Apache-2.0
// Watches the storage of the register file itself, whatever the block's ports claim: which registers differ from what they
// held when it looked last, and what they hold.
//
// It stands beside the block, not around it: Icarus 11 resolves a reference to a word of an array wrongly when the array
// comes later in its output, and a module's instances come after the module.

`default_nettype none

module vctx_tb_probe #(
  parameter int VLEN = 256,
  parameter int DLEN = 128,
  parameter bit HasV = 1     // 0: there is no register file
) (
  input  logic        clk_i,
  input  logic        rst_ni,
  input  logic        look_i,
  output logic [31:0] changed_o
);

  localparam int Banks = HasV ? DLEN / 64 : 0;
  localparam int RegRows = VLEN / DLEN;
  localparam int Rows = 32 * RegRows;

  logic [63:0] held [32*VLEN/64];  // 64 bits at a time, register by register

  for (genvar b = 0; b < Banks; b++) begin : gen_bank
    logic [Rows-1:0] pending, differs;
`ifdef VERILATOR  // compiled: looking through all rows is cheap, in a loop that does nothing else
    logic [63:0]     any;
    always @(posedge clk_i) begin
      if (!rst_ni || look_i) begin
        any = '0;
        for (int r = 0; r < Rows; r++) any = any | (u_dut.u_regfile.gen_bank[b].mem[r] ^ held[Banks*r+b]);
        pending = '0;
        for (int r = 0; r < Rows && any != '0; r++) begin
          pending[r] = u_dut.u_regfile.gen_bank[b].mem[r] != held[Banks*r+b];
          held[Banks*r+b] = u_dut.u_regfile.gen_bank[b].mem[r];
        end
        differs = pending;
      end
    end
`else  // interpreted: a row that changes had better say so itself
    for (genvar r = 0; r < Rows; r++) begin : gen_row
      always @(u_dut.u_regfile.gen_bank[b].mem[r]) begin
        pending[r] = u_dut.u_regfile.gen_bank[b].mem[r] !== held[Banks*r+b];
      end
    end
    always @(posedge clk_i) begin
      if (!rst_ni || look_i) begin
        if (!rst_ni) pending = '1;  // what the storage happens to hold is nobody's change
        if (pending != '0) begin
          for (int r = 0; r < Rows; r++) begin
            if (pending[r]) held[Banks*r+b] = u_dut.u_regfile.gen_bank[b].mem[r];
          end
        end
        differs = pending;
        pending = '0;
      end
    end
`endif
  end

  for (genvar r = 0; r < 32; r++) begin : gen_changed
    logic [DLEN/64-1:0] in_bank;
    for (genvar b = 0; b < DLEN / 64; b++) begin : gen_any
      if (HasV) begin : gen_bit
        assign in_bank[b] = |gen_bank[b].differs[RegRows*r +: RegRows];
      end else begin : gen_no_bit
        assign in_bank[b] = 1'b0;
      end
    end
    assign changed_o[r] = |in_bank;
  end

endmodule

`default_nettype wire
