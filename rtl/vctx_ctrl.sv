// SPDX-License-Identifier: Apache-2.0
// Sequencing and retirement: accepts an instruction, starts the unit that executes it, and reports its effect, in order.
//
// One instruction is in flight, and an older one at most: a load or store of which nothing but data is outstanding. Behind
// it only another one of the same direction may start, so no hazard exists; everything else waits for its retirement.

`default_nettype none

module vctx_ctrl
  import vctx_pkg::*;
#(
  parameter int VLEN = 256,  // bits in a vector register
  localparam int IdxW = $clog2(VLEN)  // of the index of an element
) (
  input  logic            clk_i,
  input  logic            rst_ni,

  // Issue: accept_o loads the instruction register
  input  logic            issue_valid_i,
  output logic            issue_ready_o,
  output logic            accept_o,

  // The instruction in flight, and what vctx_legal says of it
  input  logic [31:0]     insn_i,
  input  dec_t            dec_i,
  input  logic            legal_i,
  input  logic [5:0]      cause_i,
  input  logic            csr_writes_i,

  // Mask fetch, arithmetic (both units of it) and load/store unit
  output logic            mask_fetch_o,
  input  logic            mask_done_i,
  output logic            alu_start_o,
  input  logic            alu_done_i,
  input  logic [63:0]     alu_rd_i,
  output logic            lsu_start_o,
  input  logic            lsu_handable_i,
  output logic            lsu_hand_over_o,
  output logic            older_o,          // there is an older instruction
  output logic            older_virt_o,     // it was issued with V=1
  input  logic            older_done_i,
  input  logic            virt_i,
  input  logic            lsu_done_i,
  input  logic            lsu_trap_i,
  input  logic            lsu_irq_i,
  input  logic            lsu_trim_i,
  input  logic [IdxW-1:0] lsu_elem_i,
  input  logic [5:0]      lsu_cause_i,
  input  logic [63:0]     lsu_tval_i,
  input  logic [63:0]     lsu_tval2_i,

  // Vector register being written in this cycle
  input  logic            wreg_valid_i,
  input  logic [4:0]      wreg_i,

  // CSRs: effect of the instruction, in the cycle before it retires
  input  logic [63:0]     csr_rdata_i,
  input  logic [63:0]     vset_vl_i,
  input  logic [IdxW-1:0] vstart_i,
  output logic            csr_execute_o,  // the CSR instruction ends, in a trap or not
  output logic            csr_write_o,
  output logic            vset_o,
  output logic            trim_o,
  output logic            vstart_we_o,
  output logic [IdxW-1:0] vstart_o,
  output logic            dirty_o,

  // Retire: see vctx
  output logic            retire_valid_o,
  output logic            retire_trap_o,
  output logic            retire_irq_o,
  output logic [5:0]      retire_cause_o,
  output logic [63:0]     retire_tval_o,
  output logic [63:0]     retire_tval2_o,
  output logic            retire_rd_we_o,
  output logic [63:0]     retire_rd_o,
  output logic [31:0]     retire_vd_mask_o
);

  typedef enum logic [1:0] {
    StIdle,
    StExec,  // legality is checked; CSR instructions and vset* take effect
    StMask,  // mask operand is fetched
    StRun    // ALU or load/store unit is at work
  } state_e;
  state_e      state_q;
  logic [31:0] written_q;  // vector registers written so far
  logic        older_q, older_store_q, older_virt_q;
  logic        illegal, csr_done, vset_done, vector_done;

  assign issue_ready_o = (state_q == StIdle) || csr_done;
  assign accept_o      = issue_valid_i && issue_ready_o;

  // Classes of instructions
  logic is_csr, is_vset, is_mem, is_alu, is_masked;
  assign is_csr    = (dec_i.unit == UnitCsr);
  assign is_vset   = (dec_i.unit == UnitVset);
  assign is_mem    = (dec_i.unit == UnitLoad) || (dec_i.unit == UnitStore);
  assign is_alu    = (dec_i.unit == UnitAlu) || (dec_i.unit == UnitSerial);
  assign is_masked = !insn_i[25];

  // Start
  logic follows, ready, checked, start;
  assign follows      = is_mem && !is_masked && (older_store_q == (dec_i.unit == UnitStore));
  assign ready        = (state_q == StExec) && (!older_q || (legal_i && follows));
  assign checked      = ready && legal_i;
  assign mask_fetch_o = checked && (is_mem || is_alu) && is_masked;
  assign start        = (checked && (is_mem || is_alu) && !is_masked) || ((state_q == StMask) && mask_done_i);
  assign alu_start_o  = start && is_alu;
  assign lsu_start_o  = start && is_mem;

  // Ends: exactly one of these, in the cycle before the retirement
  assign illegal     = ready && !legal_i;
  assign csr_done    = checked && is_csr;
  assign vset_done   = checked && is_vset;
  assign vector_done = alu_done_i || lsu_done_i || older_done_i;

  // The load or store becomes the older instruction.
  assign lsu_hand_over_o = lsu_handable_i;
  assign older_o         = older_q;
  assign older_virt_o    = older_virt_q;

  // Registers written, those of this cycle included
  function automatic logic [31:0] written(input logic [31:0] earlier, input logic valid, input logic [4:0] register);
    written = earlier;
    if (valid) written[register] = 1'b1;
  endfunction

  logic [31:0] vd_mask;
  assign vd_mask = vector_done ? written(written_q, wreg_valid_i, wreg_i) : '0;

  // State. vstart ends as 0 unless the instruction can be resumed (A-7). A stop for an interrupt that did not move
  // vstart changes nothing; all else that executes makes the state dirty, even where nothing has changed (L-1).
  logic resumable, changed;
  assign resumable     = lsu_trap_i || lsu_irq_i;
  assign csr_execute_o = ready && is_csr;
  assign csr_write_o   = csr_done && csr_writes_i;
  assign vset_o        = vset_done;
  assign trim_o        = lsu_trim_i;
  assign vstart_we_o   = vset_done || vector_done;
  assign vstart_o      = resumable ? lsu_elem_i : '0;
  assign changed       = vset_done || (vd_mask != '0) || lsu_trim_i || (vstart_o != vstart_i);
  assign dirty_o       = vstart_we_o && (PreciseDirty ? changed : !(lsu_irq_i && (lsu_elem_i == vstart_i)));

  // The state stays as it is in most cycles.
  logic finishes, moves;
  assign finishes = alu_done_i || lsu_done_i || lsu_hand_over_o;
  assign moves    = accept_o || ready || start || finishes;

  // Retirement
  logic retires, retiring, rd_we;
  assign retires  = illegal || csr_done || vset_done || vector_done;
  assign retiring = retires || retire_valid_o;
  assign rd_we    = (csr_done || vset_done || (alu_done_i && dec_i.to_x)) && (insn_i[11:7] != 5'd0);

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      state_q          <= StIdle;
      written_q        <= '0;
      older_q          <= 1'b0;
      older_store_q    <= 1'b0;
      older_virt_q     <= 1'b0;
      retire_valid_o   <= 1'b0;
      retire_trap_o    <= 1'b0;
      retire_irq_o     <= 1'b0;
      retire_cause_o   <= '0;
      retire_tval_o    <= '0;
      retire_tval2_o   <= '0;
      retire_rd_we_o   <= 1'b0;
      retire_rd_o      <= '0;
      retire_vd_mask_o <= '0;
    end else begin
      if (vector_done) written_q <= '0;
      else if (wreg_valid_i) written_q <= written(written_q, 1'b1, wreg_i);
      if (lsu_hand_over_o) begin
        older_q       <= 1'b1;
        older_store_q <= (dec_i.unit == UnitStore);
        older_virt_q  <= virt_i;
      end else if (older_done_i) begin
        older_q <= 1'b0;
      end
      if (moves) begin
        case (state_q)
          StIdle: if (accept_o) state_q <= StExec;
          StExec: begin
            if (mask_fetch_o) state_q <= StMask;
            else if (start) state_q <= StRun;
            else if (ready && !accept_o) state_q <= StIdle;
          end
          StMask: if (start) state_q <= StRun;
          default: if (finishes) state_q <= StIdle;  // StRun
        endcase
      end

      if (retiring) begin
        retire_valid_o   <= retires;
        retire_trap_o    <= illegal || lsu_trap_i;
        retire_irq_o     <= lsu_irq_i;
        retire_cause_o   <= illegal ? cause_i : lsu_cause_i;
        retire_tval_o    <= illegal ? (TvalInsn ? {32'b0, insn_i} : '0) : lsu_tval_i;  // L-22
        retire_tval2_o   <= lsu_tval2_i;
        retire_rd_we_o   <= rd_we;
        retire_rd_o      <= !rd_we ? '0 : csr_done ? csr_rdata_i : (vset_done ? vset_vl_i : alu_rd_i);
        retire_vd_mask_o <= vd_mask;
      end
    end
  end

endmodule

`default_nettype wire
