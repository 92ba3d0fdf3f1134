// SPDX-License-Identifier: Apache-2.0
// Properties of vctx_legal: what is illegal must trap, with which cause, and what is not must not.

`default_nettype none

module formal_legal
  import vctx_pkg::*;
(
  input logic        clk_i,
  input dec_t        dec_i,
  input logic [31:0] insn_i,
  input logic        vs_on_i,
  input logic        status_trap_i,
  input logic [5:0]  status_cause_i,
  input logic        vill_i,
  input logic        vstart_nonzero_i,
  input logic [1:0]  vd_group_i,
  input logic [1:0]  vs1_group_i,
  input logic [1:0]  vs2_group_i,
  input logic        vs1_fraction_i,
  input logic        vs2_fraction_i,
  input logic        widths_ok_i
);

  logic       writes, legal;
  logic [5:0] cause;

  vctx_legal dut (
    .dec_i            (dec_i),
    .insn_i           (insn_i),
    .vs_on_i          (vs_on_i),
    .status_trap_i    (status_trap_i),
    .status_cause_i   (status_cause_i),
    .vill_i           (vill_i),
    .vstart_nonzero_i (vstart_nonzero_i),
    .vd_group_i       (vd_group_i),
    .vs1_group_i      (vs1_group_i),
    .vs2_group_i      (vs2_group_i),
    .vs1_fraction_i   (vs1_fraction_i),
    .vs2_fraction_i   (vs2_fraction_i),
    .widths_ok_i      (widths_ok_i),
    .csr_writes_o     (writes),
    .legal_o          (legal),
    .cause_o          (cause)
  );

  logic csr, status, mem, arith, masked;
  assign csr    = (dec_i.unit == UnitCsr);
  assign status = csr && (insn_i[29:28] != 2'd0);
  assign mem    = (dec_i.unit == UnitLoad) || (dec_i.unit == UnitStore);
  assign arith  = (dec_i.unit == UnitAlu) || (dec_i.unit == UnitSerial);
  assign masked = !insn_i[25];

  // Of vctx_decode and vctx_shape, proven of formal_decode: funct3[1:0] is not 0 in a CSR instruction; there is no unit 7;
  // and where elements of the destination are the wider ones, so is its group.
  always_comb begin
    if (csr) assume (insn_i[13:12] != 2'd0);
    assume (dec_i.unit != 3'd7);
    if (widths_ok_i && (dec_i.vs1_overlap == OverlapHigh)) assume (vd_group_i >= vs1_group_i);
    if (widths_ok_i && (dec_i.vs2_overlap == OverlapHigh)) assume (vd_group_i >= vs2_group_i);
  end

  // Groups as ranges of registers, [first, last]
  logic [5:0] vd, vd_last, vs1, vs1_last, vs2, vs2_last;
  assign vd       = {1'b0, insn_i[11:7]};
  assign vs1      = {1'b0, insn_i[19:15]};
  assign vs2      = {1'b0, insn_i[24:20]};
  assign vd_last  = vd + (6'd1 << vd_group_i) - 6'd1;
  assign vs1_last = vs1 + (6'd1 << vs1_group_i) - 6'd1;
  assign vs2_last = vs2 + (6'd1 << vs2_group_i) - 6'd1;

  // May a source overlap the destination as it does (E-13, E-18)?
  function automatic logic fits(input logic [1:0] rule, input logic fraction, input logic [5:0] d_first,
                                input logic [5:0] d_last, input logic [5:0] s_first, input logic [5:0] s_last);
    fits = (d_last < s_first) || (s_last < d_first);
    case (rule)
      OverlapAny:  fits = 1'b1;
      OverlapLow:  if (d_first == s_first) fits = 1'b1;
      OverlapHigh: if (!fraction && (d_last == s_last)) fits = 1'b1;
      default:     ;
    endcase
  endfunction

  logic groups, overlaps;
  assign groups   = dec_i.vd_group && dec_i.vs1_group && dec_i.vs2_group;
  assign overlaps = fits(dec_i.vs1_overlap, vs1_fraction_i, vd, vd_last, vs1, vs1_last) &&
                    fits(dec_i.vs2_overlap, vs2_fraction_i, vd, vd_last, vs2, vs2_last);

  logic aligned;
  assign aligned = (!dec_i.vd_group || ((vd & ((6'd1 << vd_group_i) - 6'd1)) == '0)) &&
                   (!dec_i.vs1_group || ((vs1 & ((6'd1 << vs1_group_i) - 6'd1)) == '0)) &&
                   (!dec_i.vs2_group || ((vs2 & ((6'd1 << vs2_group_i) - 6'd1)) == '0));

  always_ff @(posedge clk_i) begin
    if (!vs_on_i && !status) begin
      p_off: assert (!legal && (cause == CauseIllegal));
      c_off: cover (csr);
    end
    if (dec_i.unit == UnitNone) begin
      p_unknown: assert (!legal && (cause == CauseIllegal));
      c_unknown: cover (vs_on_i);
    end
    if (status) begin
      p_status: assert ((legal == !status_trap_i) && (legal || (cause == status_cause_i)));
      c_status: cover (legal && !vs_on_i);
    end
    if (csr && !status) begin
      p_csr: assert (legal == (vs_on_i && !(writes && (insn_i[31:30] == 2'b11))));
      c_csr: cover (legal && vill_i && vstart_nonzero_i);
    end
    if (csr) begin
      p_writes: assert (writes == !(insn_i[13] && (insn_i[19:15] == '0)));
      c_writes: cover (!writes);
    end
    if (dec_i.unit == UnitVset) begin
      p_vset: assert (legal == vs_on_i);
      c_vset: cover (legal && vill_i && vstart_nonzero_i);
    end
    if (vill_i && (mem || arith) && (dec_i.shape != ShapeWholeMem)) begin
      p_vill: assert (!legal && (cause == CauseIllegal));
      c_vill: cover (vs_on_i && arith && (dec_i.shape == ShapeWholeMove));
    end
    if (arith && vstart_nonzero_i) begin
      p_vstart: assert (!legal && (cause == CauseIllegal));
      c_vstart: cover (vs_on_i && !vill_i);
    end
    if ((mem || arith) && !aligned) begin
      p_aligned: assert (!legal);
      c_aligned: cover (vs_on_i && (vd_group_i == 2'd3) && (vd == 6'd4));
    end
    if ((mem || arith) && !widths_ok_i) begin
      p_widths: assert (!legal);
      c_widths: cover (vs_on_i && mem);
    end
    if ((arith || (dec_i.unit == UnitLoad)) && masked && dec_i.vd_group && (vd == '0)) begin
      p_mask: assert (!legal);
      c_mask: cover (vs_on_i && arith);
    end
    if (arith && aligned && !overlaps) begin
      p_overlap: assert (!groups || !legal);
      c_overlap: cover (groups && vs_on_i && (dec_i.vs2_overlap == OverlapHigh));
    end
    if (arith && groups && vs_on_i && !vill_i && !vstart_nonzero_i && widths_ok_i && aligned && overlaps &&
        !(masked && (vd == '0))) begin
      p_arith: assert (legal);
      c_arith: cover ((dec_i.vs1_overlap == OverlapHigh) && (vd_last == vs1_last) && (vd != vs1));
    end
    if (mem && vs_on_i && !vill_i && widths_ok_i && aligned &&
        !(masked && (vd == '0) && (dec_i.unit == UnitLoad))) begin
      p_mem: assert (legal);
      c_mem: cover (vstart_nonzero_i);
    end
  end

endmodule

`default_nettype wire
