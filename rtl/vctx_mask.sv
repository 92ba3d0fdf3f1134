// SPDX-License-Identifier: Apache-2.0
// Mask operand: a copy of v0 taken when a masked instruction starts, looked up row by row.
//
// The copy makes the mask independent of what the instruction itself writes (a compare may overwrite v0, E-13) and
// keeps the read ports free for data.

`default_nettype none

module vctx_mask #(
  parameter int VLEN = 256,  // bits in a vector register
  parameter int DLEN = 128,  // bits in a row, which are moved in a cycle
  localparam int Bytes = DLEN / 8,  // in a row
  localparam int GroupRowW = $clog2(8 * VLEN / DLEN),  // a row of the largest register group
  localparam int RegRows = VLEN / DLEN,  // rows in a register
  localparam int RowW = $clog2(32 * RegRows)  // of the number of a row in the register file
) (
  input  logic                 clk_i,
  input  logic                 rst_ni,

  // Fetch of v0: one row a cycle, starting with the cycle after fetch_i
  input  logic                 fetch_i,
  output logic                 fetch_done_o,
  output logic                 re_o,
  output logic [RowW-1:0]      raddr_o,
  input  logic [DLEN-1:0]      rdata_i,

  // Mask bits of the elements in row row_i of a group with elements of 2**eew_i bytes, repeated for each byte of
  // an element. With eew_i = 0 these are mask bits row_i * DLEN/8 upwards.
  input  logic                 masked_i,  // 0: every element is active
  input  logic [GroupRowW-1:0] row_i,
  input  logic [1:0]           eew_i,
  output logic [Bytes-1:0]     bytes_o
);

  // Fetch. The row that is read now is stored one cycle later.
  logic            busy_q, store_q;
  logic [RowW-1:0] row_q, store_row_q;
  logic            last, working;
  logic [VLEN-1:0] mask_q;

  assign last         = (row_q == RowW'(RegRows - 1));
  assign re_o         = busy_q;
  assign raddr_o      = row_q;
  assign fetch_done_o = store_q && !busy_q;
  assign working      = fetch_i || busy_q || store_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      busy_q      <= 1'b0;
      store_q     <= 1'b0;
      row_q       <= '0;
      store_row_q <= '0;
      mask_q      <= '0;
    end else if (working) begin
      store_q <= busy_q;
      if (busy_q) store_row_q <= row_q;
      if (fetch_i) begin
        busy_q <= 1'b1;
        row_q  <= '0;
      end else if (busy_q) begin
        busy_q <= !last;
        row_q  <= row_q + RowW'(1);
      end
      if (store_q) begin
        for (int r = 0; r < RegRows; r++) begin
          if (store_row_q == RowW'(r)) mask_q[DLEN*r +: DLEN] <= rdata_i;
        end
      end
    end
  end

  // Lookup. Bits of one row of bytes, then those of the row within them, then one bit a byte.
  function automatic logic [Bytes-1:0] bytes(input logic masked, input logic [Bytes-1:0] chunk_bits,
                                             input logic [1:0] eew, input logic [2:0] part);
    logic [Bytes-1:0] e16_bits, e32_bits, e64_bits;
    bytes = '1;
    if (masked) begin
      bytes    = chunk_bits;
      e16_bits = chunk_bits >> (part[0] ? Bytes / 2 : 0);
      e32_bits = chunk_bits >> (32'(part[1:0]) * (Bytes / 4));
      e64_bits = chunk_bits >> (32'(part) * (Bytes / 8));
      if (eew != 2'd0) begin
        for (int j = 0; j < Bytes; j++) begin
          case (eew)
            2'd1:    bytes[j] = e16_bits[j/2];
            2'd2:    bytes[j] = e32_bits[j/4];
            default: bytes[j] = e64_bits[j/8];
          endcase
        end
      end
    end
  endfunction

  // The row does not matter to an instruction without a mask.
  logic [GroupRowW-1:0] row, chunk;
  assign row     = masked_i ? row_i : '0;
  assign chunk   = row >> eew_i;
  assign bytes_o = bytes(masked_i, mask_q[chunk*Bytes +: Bytes], eew_i, row[2:0]);

endmodule

`default_nettype wire
