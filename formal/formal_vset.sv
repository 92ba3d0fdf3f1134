// SPDX-License-Identifier: Apache-2.0
// Properties of vctx_vset: the new vl and vtype.

`default_nettype none

module formal_vset
  import vctx_pkg::*;
#(
  parameter int VLEN = 256,
  localparam int CntW = $clog2(VLEN) + 1
) (
  input logic            clk_i,
  input logic [31:0]     insn_i,
  input logic [63:0]     rs1_i,
  input logic [63:0]     rs2_i,
  input logic [CntW-1:0] vl_i,
  input logic [5:0]      vtype_i,
  input logic            vill_i
);

  logic [CntW-1:0] vl;
  logic [7:0]      vtype;
  logic            vill;

  vctx_vset #(
    .VLEN (VLEN)
  ) dut (
    .active_i (1'b1),
    .insn_i   (insn_i),
    .rs1_i    (rs1_i),
    .rs2_i    (rs2_i),
    .vl_i     (vl_i),
    .vtype_i  (vtype_i),
    .vill_i   (vill_i),
    .vl_o     (vl),
    .vtype_o  (vtype),
    .vill_o   (vill)
  );

  // VLMAX as the specification has it, LMUL in eighths; 0 for a reserved code (A-12, C-13).
  function automatic int vlmax_of(input logic [5:0] code);
    int lmul, sew;
    sew = 8 << code[4:3];
    case (code[2:0])
      3'd0:    lmul = 8;
      3'd1:    lmul = 16;
      3'd2:    lmul = 32;
      3'd3:    lmul = 64;
      3'd5:    lmul = 1;
      3'd6:    lmul = 2;
      3'd7:    lmul = 4;
      default: lmul = 0;
    endcase
    if (code[5] || (lmul == 0)) vlmax_of = 0;
    else if ((lmul < 8) && (8 * sew > 64 * lmul)) vlmax_of = 0;  // SEW > LMUL * ELEN (L-6)
    else vlmax_of = VLEN / 8 * lmul / sew;
  endfunction

  // The three encodings (C-1), and where AVL comes from (C-5)
  logic        vsetvl, vsetivli, keeps;
  logic [63:0] request, avl;
  int          vlmax, old_vlmax;
  assign vsetivli  = (insn_i[31:30] == 2'b11);
  assign vsetvl    = (insn_i[31:25] == 7'b1000000);
  assign request   = vsetvl ? rs2_i : vsetivli ? {54'b0, insn_i[29:20]} : {53'b0, insn_i[30:20]};
  assign keeps     = !vsetivli && (insn_i[19:15] == '0) && (insn_i[11:7] == '0);
  assign avl       = vsetivli ? {59'b0, insn_i[19:15]} : ((insn_i[19:15] == '0) ? '1 : rs1_i);
  assign vlmax     = vlmax_of(request[5:0]);
  assign old_vlmax = vlmax_of(vtype_i);

  logic reserved;
  assign reserved = (request[63:8] != '0) || (vlmax == 0);

  // Of vctx_decode: one of the three. Of the state, proven of formal_core: vtype is a legal one, and vl within VLMAX.
  always_comb begin
    assume (!insn_i[31] || vsetivli || vsetvl);
    if (!vill_i) assume ((old_vlmax != 0) && (32'(vl_i) <= old_vlmax));
  end

  always_ff @(posedge clk_i) begin
    if (vill) begin
      p_vill_zeroes: assert ((vl == '0) && (vtype == '0));
      c_vill_zeroes: cover (vl_i != '0);
    end
    if (reserved) begin
      p_reserved: assert (vill);
      c_reserved: cover ((request[62:0] == 63'd0) && !keeps);
    end
    if (!reserved && !keeps) begin
      p_legal: assert (!vill);
      c_legal: cover (vill_i);
    end
    if (!vill) begin
      p_vtype: assert (vtype == request[7:0]);
      c_vtype: cover (vtype == 8'hc3);
      p_vlmax: assert (32'(vl) <= vlmax);
      c_vlmax: cover (32'(vl) == VLEN);
    end
    if (!vill && !keeps && (avl <= 64'(vlmax))) begin
      p_avl: assert (64'(vl) == avl);
      c_avl: cover (vl == CntW'(5));
    end
    if (!vill && !keeps && (avl >= 64'(vlmax) * 2)) begin
      p_long: assert (32'(vl) == vlmax);
      c_long: cover (avl[63] && (avl[CntW-1:0] == '0));
    end
    if (!vill && !keeps && (avl > 64'(vlmax))) begin
      p_between: assert (32'(vl) == vlmax);
      c_between: cover (avl == 64'(vlmax) + 64'd1);
    end
    if (keeps && !reserved) begin
      p_keeps: assert ((vill_i || (old_vlmax != vlmax)) ? vill : (!vill && (vl == vl_i)));
      c_keeps: cover (!vill && (vtype[5:0] != vtype_i) && (vl == CntW'(3)));
    end
  end

endmodule

`default_nettype wire
