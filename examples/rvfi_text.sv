// SPDX-License-Identifier: Apache-2.0
// Writes what an RVFI port retires as text, one line an instruction, for `vctx check-log`: bind it beside your core.
// Keys that your port has not may be left out, and so may whole instructions' fields; docs/your-core.md has the list.
module rvfi_text #(
  parameter File = "rvfi.log"
) (
  input logic        clk_i,
  input logic        valid, trap, intr,
  input logic [ 1:0] mode,
  input logic [ 4:0] rd_addr,
  input logic [31:0] insn,
  input logic [63:0] pc_rdata, rd_wdata, mem_addr, mem_rdata, mem_wdata,
  input logic [ 7:0] mem_rmask, mem_wmask
);
  integer fd;
  initial fd = $fopen(File, "w");
  always @(posedge clk_i) if (valid) begin
    $fwrite(fd, "rvfi pc=%h insn=%h trap=%h intr=%h mode=%h rd=%h:%h", pc_rdata, insn, trap, intr, mode, rd_addr,
            rd_wdata);
    if (|mem_rmask) $fwrite(fd, " mem=%h:%h:%h:r", mem_addr, mem_rmask, mem_rdata);
    if (|mem_wmask) $fwrite(fd, " mem=%h:%h:%h:w", mem_addr, mem_wmask, mem_wdata);
    $fwrite(fd, "\n");
  end
endmodule
