// SPDX-License-Identifier: Apache-2.0
// Arithmetic unit: walks the rows of a register group, one row a cycle.
//
// Two stages: read (addresses to the register file) and execute (operands from it, result to the write port).
// Instructions that produce mask bits first read the old row of vd, because a row is written as a whole while
// inactive and tail bits keep their value (L-7, L-8).
//
// For operands of one width that are combined element by element. What multiplies, changes widths or looks across elements
// is executed by `vctx_serial`, at a cycle or more for each element.

`default_nettype none

module vctx_alu
  import vctx_pkg::*;
#(
  parameter int VLEN = 256,  // bits in a vector register
  parameter int DLEN = 128,  // bits in a row, which are moved in a cycle
  localparam int Bytes = DLEN / 8,  // in a row
  localparam int CntW = $clog2(VLEN) + 1,  // of a number of elements, 0 to VLEN
  localparam int GroupRowW = $clog2(8 * VLEN / DLEN),  // of the number of a row in a register group
  localparam int RowW = $clog2(32 * VLEN / DLEN)  // of the number of a row in the register file
) (
  input  logic                 clk_i,
  input  logic                 rst_ni,

  // Instruction; stable from start_i to done_o. vstart is 0.
  input  logic                 start_i,
  input  dec_t                 dec_i,
  input  logic [31:0]          insn_i,
  input  logic [63:0]          rs1_i,
  input  logic [1:0]           eew_i,
  input  logic [CntW-1:0]      evl_i,
  output logic                 done_o,
  output logic [63:0]          rd_o,       // vmv.x.s, with done_o

  // Mask bits of a row, one for each byte: asked for by its number, there in the same cycle
  output logic [GroupRowW-1:0] mask_row_o,
  input  logic [Bytes-1:0]     mask_bytes_i,

  // Register file: read data comes in the cycle after re_o
  output logic                 re_o,
  output logic [RowW-1:0]      raddr_a_o,
  input  logic [DLEN-1:0]      rdata_a_i,
  output logic [RowW-1:0]      raddr_b_o,
  input  logic [DLEN-1:0]      rdata_b_i,
  output logic [Bytes-1:0]     wbe_o,
  output logic [RowW-1:0]      waddr_o,
  output logic [DLEN-1:0]      wdata_o
);

  localparam int LaneW = $clog2(Bytes);
  localparam int RegRowW = RowW - 5;  // row within a register; 0 when VLEN is DLEN

  logic [1:0] alu;
  logic       mask_result, logical;
  assign alu         = dec_i.alu;
  assign logical     = (alu == AluLogic);
  assign mask_result = logical || (alu == AluCompare);

  // First rows of the three operands
  logic [RowW-1:0] vd_row, vs1_row, vs2_row;
  assign vd_row  = RowW'(insn_i[11:7]) << RegRowW;
  assign vs1_row = RowW'(insn_i[19:15]) << RegRowW;
  assign vs2_row = RowW'(insn_i[24:20]) << RegRowW;

  // Last data row. Data rows of AluLogic are rows of mask registers.
  logic [CntW-1:0]      last_elem, last_byte;
  logic [GroupRowW-1:0] last_row;
  assign last_elem = evl_i - CntW'(1);
  assign last_byte = (evl_i << eew_i) - CntW'(1);
  assign last_row  = logical ? GroupRowW'(last_elem >> (LaneW + 3)) : GroupRowW'(last_byte >> LaneW);

  // Read stage. A result row is a row of a mask register. It takes one data row of AluLogic, or 8 << SEW data rows
  // of a compare, which makes DLEN/8 >> SEW bits of each.
  logic                 read_q;  // rows left to read
  logic                 old_q;   // next: the old row of vd
  logic [GroupRowW-1:0] row_q;
  logic [GroupRowW-1:0] result_row;
  logic [5:0]           part, last_part;  // position of the data row in its result row
  logic                 read_last, ends_result_row;
  assign part            = 6'(row_q) & last_part;
  assign last_part       = ~(6'b111000 << eew_i);
  assign result_row      = logical ? row_q : (row_q >> (3'd3 + 3'(eew_i)));
  assign ends_result_row = logical || (row_q == last_row) || (part == last_part);
  assign read_last       = !old_q && (row_q == last_row);
  assign re_o            = read_q;
  assign raddr_a_o       = old_q ? (vd_row + RowW'(result_row)) : (vs2_row + RowW'(row_q));
  assign raddr_b_o       = vs1_row + RowW'(row_q);

  // Execute stage
  logic                 exec_q, exec_old_q, empty_q;
  logic                 exec_ends_q;  // ends_result_row of exec_row_q
  logic [GroupRowW-1:0] exec_row_q, exec_result_row_q;
  logic                 exec_operands, working;
  assign exec_operands = exec_q && !exec_old_q;
  assign working       = start_i || read_q || exec_q || empty_q;
  assign done_o        = empty_q || (exec_operands && (exec_row_q == last_row));

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      read_q            <= 1'b0;
      old_q             <= 1'b0;
      row_q             <= '0;
      exec_q            <= 1'b0;
      exec_old_q        <= 1'b0;
      exec_ends_q       <= 1'b0;
      exec_row_q        <= '0;
      exec_result_row_q <= '0;
      empty_q           <= 1'b0;
    end else if (working) begin
      empty_q <= start_i && (evl_i == '0);
      if (start_i) begin
        read_q <= (evl_i != '0);
        old_q  <= mask_result;
        row_q  <= '0;
      end else if (read_q) begin
        read_q <= !read_last;
        old_q  <= !old_q && mask_result && ends_result_row;
        if (!old_q) row_q <= row_q + GroupRowW'(1);
      end
      exec_q <= read_q;
      if (read_q) begin
        exec_old_q        <= old_q;
        exec_ends_q       <= ends_result_row;
        exec_row_q        <= row_q;
        exec_result_row_q <= result_row;
      end
    end
  end

  // Operands and results of a row. The operand is held at 0 while the register file works for another unit, and the
  // parts of the datapath compute nothing in cycles without operands: it saves power in silicon (operand isolation),
  // and time in a simulator.
  logic [DLEN-1:0]  src1, src2, result, mask_row;
  assign src2 = exec_q ? rdata_a_i : '0;
  logic [Bytes-1:0] true_bytes;
  logic             mask_any;
  vctx_src1 #(
    .DLEN      (DLEN),
    .GroupRowW (GroupRowW)
  ) u_src1 (
    .active_i  (exec_operands),
    .src1_i    (dec_i.src1),
    .eew_i     (eew_i),
    .row_i     (exec_row_q),
    .rs1_i     (rs1_i),
    .imm_i     (insn_i[19:15]),
    .vs1_i     (rdata_b_i),
    .operand_o (src1)
  );

  // Active bytes. A merge writes every body element, its mask is an operand (E-6).
  logic             merge;
  logic [Bytes-1:0] body_bytes, active_bytes;
  assign merge        = (alu == AluElem) && (dec_i.op == OpMerge);
  assign mask_row_o   = exec_row_q;
  assign active_bytes = merge ? body_bytes : (body_bytes & mask_bytes_i);
  vctx_range #(
    .Lanes (Bytes),
    .IdxW  (CntW)
  ) u_body (
    .active_i (exec_operands),
    .row_i    ((CntW-LaneW)'(exec_row_q)),
    .first_i  (CntW'(0)),
    .end_i    (evl_i << eew_i),
    .lanes_o  (body_bytes)
  );

  for (genvar b = 0; b < DLEN / 64; b++) begin : gen_lane
    vctx_lane u_lane (
      .active_i  (body_bytes[8*b +: 8] != 8'd0),
      .compare_i (alu == AluCompare),
      .op_i      (dec_i.op),
      .signed_i  (dec_i.signed2),
      .sew_i     (eew_i),
      .src1_i    (src1[64*b +: 64]),
      .src2_i    (src2[64*b +: 64]),
      .mask_i    (mask_bytes_i[8*b +: 8]),
      .result_o  (result[64*b +: 64]),
      .true_o    (true_bytes[8*b +: 8])
    );
  end

  vctx_mask_result #(
    .VLEN (VLEN),
    .DLEN (DLEN)
  ) u_mask_result (
    .clk_i     (clk_i),
    .rst_ni    (rst_ni),
    .logical_i (logical),
    .kind_i    (dec_i.op[2:0]),
    .eew_i     (eew_i),
    .evl_i     (evl_i),
    .load_i    (exec_q && exec_old_q),
    .step_i    (exec_operands && mask_result),
    .row_i     (exec_row_q),
    .src1_i    (rdata_b_i),
    .src2_i    (src2),
    .true_i    (true_bytes),
    .active_i  (active_bytes),
    .row_o     (mask_row),
    .any_o     (mask_any)
  );

  // Write port
  logic write_elems, write_mask;
  assign write_elems = exec_operands && (alu == AluElem);
  assign write_mask  = exec_operands && mask_result && exec_ends_q && mask_any;
  assign wbe_o       = write_elems ? active_bytes : {Bytes{write_mask}};
  assign waddr_o     = vd_row + RowW'(mask_result ? exec_result_row_q : exec_row_q);
  assign wdata_o     = mask_result ? mask_row : result;

  // vmv.x.s: element 0, sign-extended (E-7).
  function automatic logic [63:0] extract(input logic active, input logic [1:0] eew, input logic [63:0] elem0);
    extract = '0;
    if (active) extract = extend(eew, 1'b1, elem0);
  endfunction
  assign rd_o = extract(exec_operands && (alu == AluExtract), eew_i, src2[63:0]);

endmodule

`default_nettype wire
