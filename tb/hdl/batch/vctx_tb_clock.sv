// Clocks of a batch replay where the simulator makes them; see vctx_tb_batch.

`default_nettype none

module vctx_tb_clock #(
  parameter int VLEN     = 256,
  parameter int DLEN     = 128,
  parameter bit HasV     = 1,
  parameter int NumHarts = 1,
  parameter int RamBytes = 1 << 20
);

  logic clk = 1'b0;
  always #5 clk = !clk;

  logic [NumHarts-1:0] awake;

  vctx_tb_batch #(
    .VLEN    (VLEN),
    .DLEN    (DLEN),
    .HasV    (HasV),
    .NumHarts(NumHarts),
    .RamBytes(RamBytes)
  ) u_batch (
    .clk_i     (clk),
    .hart_clk_i({NumHarts{clk}} & awake),
    .awake_o   (awake)
  );

endmodule

`default_nettype wire
