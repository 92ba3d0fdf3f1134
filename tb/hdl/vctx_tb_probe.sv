// Copies the register file's storage out of the design, and finds which registers changed since the last copy.
//
// What is compared is what the RAM banks really hold, not what a port claims was written.

`default_nettype none

module vctx_tb_probe import vctx_tb_pkg::*; #(
  parameter int VLEN = 256
) (
  input  logic               clk_i,
  input  logic               rst_ni,
  input  logic               compare_i,  // a new copy is in vregs_i
  input  logic [31:0]        vd_mask_i,
  input  logic [32*VLEN-1:0] vregs_i,
  output logic [31:0]        changed_o,
  // the registers that were written: the lowest alone, and eight from it on (from v24 on when it lies above)
  output logic [VLEN-1:0]    first_o,
  output logic [8*VLEN-1:0]  group_o
);

  logic [32*VLEN-1:0] old;
  int                 lowest;

  always @(posedge clk_i) begin
    if (!rst_ni) begin
      old = vregs_i;  // what the storage happens to hold is nobody's change
    end else if (compare_i) begin
      lowest = 0;
      for (int r = 31; r >= 0; r--) begin
        changed_o[r] = vregs_i[VLEN*r +: VLEN] !== old[VLEN*r +: VLEN];
        if (changed_o[r] || vd_mask_i[r]) lowest = r;
      end
      old = vregs_i;
      first_o = vregs_i[VLEN*lowest +: VLEN];
      group_o = vregs_i[VLEN*(lowest > 24 ? 24 : lowest) +: 8*VLEN];
    end
  end

endmodule

`default_nettype wire
