// SPDX-License-Identifier: Apache-2.0
// vsetvli, vsetivli, vsetvl: the new vl and vtype (C-1 to C-13). Never traps; vill is the answer to a reserved or
// unsupported request.

`default_nettype none

module vctx_vset
  import vctx_pkg::*;
#(
  parameter int VLEN = 256,  // bits in a vector register
  localparam int CntW = $clog2(VLEN) + 1  // of a number of elements, 0 to VLEN
) (
  input  logic            active_i,  // it is one of these; else nothing here moves
  // Instruction
  input  logic [31:0]     insn_i,
  input  logic [63:0]     rs1_i,
  input  logic [63:0]     rs2_i,
  // State, before and after
  input  logic [CntW-1:0] vl_i,
  input  logic [5:0]      vtype_i,  // vsew, vlmul
  input  logic            vill_i,
  output logic [CntW-1:0] vl_o,
  output logic [7:0]      vtype_o,
  output logic            vill_o
);

  // log2(VLMAX) = log2(VLEN / SEW * LMUL); at least 0 for every legal vtype.
  localparam logic signed [5:0] Log2BytesPerReg = 6'($clog2(VLEN / 8));
  function automatic logic signed [5:0] log2_vlmax(input logic [5:0] vtype);
    log2_vlmax = Log2BytesPerReg - $signed({3'b0, vtype[5:3]}) +
                 $signed({{3{vtype[2]}}, vtype[2:0]});
  endfunction

  // SEW 8 to 64, and for fractional LMUL SEW <= LMUL * ELEN (C-11) or, as the other choice, SEW <= LMUL * VLEN (L-6).
  function automatic logic supported(input logic [5:0] vtype);
    case (vtype[2:0])
      3'b100:  supported = 1'b0;
      3'b101:  supported = (vtype[5:3] == 3'd0);
      3'b110:  supported = (vtype[5:3] <= 3'd1);
      3'b111:  supported = (vtype[5:3] <= 3'd2);
      default: supported = (vtype[5:3] <= 3'd3);
    endcase
    if (!WideSewVill && (vtype[2:0] != 3'b100)) begin
      supported = !vtype[5] && (log2_vlmax(vtype) >= 6'sd0);
    end
  endfunction

  logic [31:15] insn;
  logic [4:0]   rd;
  logic [63:0]  rs1, rs2;
  assign insn = active_i ? insn_i[31:15] : '0;
  assign rd   = active_i ? insn_i[11:7] : '0;
  assign rs1  = active_i ? rs1_i : '0;
  assign rs2  = active_i ? rs2_i : '0;

  logic immediate_avl, from_register;
  assign immediate_avl = (insn[31:30] == 2'b11);  // vsetivli
  assign from_register = (insn[31:30] == 2'b10);  // vsetvl

  // All 64 bits of the request count (C-3).
  logic [63:0] request;
  assign request = from_register ? rs2 : {53'b0, insn[30] && !immediate_avl, insn[29:20]};

  logic        rs1_is_x0, keep_vl;
  logic [63:0] avl;
  assign rs1_is_x0 = (insn[19:15] == 5'd0);
  assign keep_vl   = !immediate_avl && rs1_is_x0 && (rd == 5'd0);
  assign avl       = immediate_avl ? {59'b0, insn[19:15]} : (rs1_is_x0 ? '1 : rs1);

  // x0, x0 asks to keep vl, so VLMAX must stay the same (C-8).
  logic signed [5:0] log2_old, log2_new;
  assign log2_old = log2_vlmax(vtype_i);
  assign log2_new = log2_vlmax(request[5:0]);

  assign vill_o  = (request[63:8] != '0) || !supported(request[5:0]) ||
                   (keep_vl && (vill_i ? KeepVlFromVillVill                           // L-5
                                       : (RatioChangeVill && (log2_old != log2_new))));  // L-4
  assign vtype_o = vill_o ? '0 : request[7:0];

  logic [CntW-1:0] vlmax, vl_kept, vl_above;
  assign vlmax    = CntW'(1) << log2_new[4:0];
  assign vl_kept  = (!RatioChangeVill && (vl_i > vlmax)) ? vlmax : vl_i;
  assign vl_above = (VlCeilHalf && (avl < 2 * 64'(vlmax))) ? CntW'((avl + 64'd1) >> 1) : vlmax;  // L-3
  assign vl_o  = vill_o ? '0 : (keep_vl ? vl_kept : ((avl > 64'(vlmax)) ? vl_above : avl[CntW-1:0]));

endmodule

`default_nettype wire
