// SPDX-License-Identifier: Apache-2.0
// RAM shared by all harts. A page holds the fill pattern until it is first written, so memory that nobody touches costs
// nothing, and the pages ever written are known when the image is dumped.
//
// It works on the falling edge: the handshakes of a cycle are settled by then, and no order of processes matters.

`default_nettype none

module vctx_tb_ram import vctx_tb_pkg::*; #(
  parameter int DLEN     = 64,
  parameter int NumHarts = 1,
  parameter int RamBytes = 1 << 20
) (
  input  logic                       clk_i,
  input  logic                       rst_ni,
  input  cfg_t                       cfg_i,
  // bus, one lane a hart
  input  logic [NumHarts*56-1:0]     read_addr_i,
  output logic [NumHarts*DLEN-1:0]   read_data_o,
  input  logic [NumHarts-1:0]        write_i,
  input  logic [NumHarts*56-1:0]     write_addr_i,
  input  logic [NumHarts*DLEN-1:0]   write_data_i,
  input  logic [NumHarts*DLEN/8-1:0] write_strb_i,
  // Python: writes that bypass the bus, and the dump of every written page to the file ram.hex
  input  logic [POKES*$bits(poke_t)-1:0] poke_i,
  input  logic                       poke_go_i,    // change: apply poke_i
  output logic                       poke_done_o,  // follows poke_go_i
  input  logic                       dump_go_i,
  output logic                       dump_done_o
);

  localparam int Lanes = DLEN / 64;
  localparam int Words = RamBytes / 8;
  localparam int Pages = RamBytes / 4096;
  localparam int IdxW = $clog2(Words);
  localparam int PokeW = $bits(poke_t);

  logic [63:0] mem [Words];
  logic [Pages-1:0] written;

  for (genvar h = 0; h < NumHarts; h++) begin : gen_read
    logic [55:0] offset;
    logic        exists;  // outside RAM there is only the fill pattern
    assign offset = read_addr_i[56*h +: 56] - cfg_i.ram_base;
    assign exists = offset < cfg_i.ram_size;
    for (genvar l = 0; l < Lanes; l++) begin : gen_lane
      logic [IdxW-1:0] idx;
      assign idx = offset[3 +: IdxW] + IdxW'(l);
      assign read_data_o[DLEN*h + 64*l +: 64] = exists && written[idx[IdxW-1:9]] ? mem[idx] : {8{cfg_i.fill}};
    end
  end

  int fd;
  logic [4095:0] line;
  logic [55:0] offset;
  logic [IdxW-1:0] index;
  poke_t poke;

  // Write the bytes of one word that strb selects.
  task automatic write_word(input logic [IdxW-1:0] idx, input logic [63:0] data, input logic [7:0] strb);
    logic [63:0] word;
    if (!written[idx[IdxW-1:9]]) begin
      for (int i = 0; i < 512; i++) mem[{idx[IdxW-1:9], 9'(i)}] = {8{cfg_i.fill}};
      written[idx[IdxW-1:9]] = 1'b1;
    end
    if (strb == 8'hff) begin
      mem[idx] = data;
    end else begin
      word = mem[idx];
      for (int i = 0; i < 8; i++) if (strb[i]) word[8*i +: 8] = data[8*i +: 8];
      mem[idx] = word;
    end
  endtask

  initial begin
    written = '0;
    poke_done_o = 1'b0;
    dump_done_o = 1'b0;
  end

  always @(negedge clk_i) begin
    if (!rst_ni && written != '0) written = '0;  // a reset begins another test, with nothing written

    for (int h = 0; h < NumHarts; h++) begin
      if (write_i[h]) begin
        offset = write_addr_i[56*h +: 56] - cfg_i.ram_base;
        for (int l = 0; l < Lanes; l++) begin
          if (offset < cfg_i.ram_size && write_strb_i[(DLEN/8)*h + 8*l +: 8] != 8'd0) begin
            index = offset[3 +: IdxW] + IdxW'(l);
            write_word(index, write_data_i[DLEN*h + 64*l +: 64], write_strb_i[(DLEN/8)*h + 8*l +: 8]);
          end
        end
      end
    end

    if (poke_go_i != poke_done_o) begin
      for (int i = 0; i < POKES; i++) begin
        poke = poke_i[PokeW*i +: PokeW];
        if (poke.strb != 8'd0) begin
          offset = poke.addr - cfg_i.ram_base;
          write_word(offset[3 +: IdxW], poke.data, poke.strb);
        end
      end
      poke_done_o = poke_go_i;
    end

    if (dump_go_i != dump_done_o) begin
      fd = $fopen("ram.hex", "w");
      for (int p = 0; p < Pages; p++) begin
        if (written[p]) begin
          $fwrite(fd, "@%h\n", 56'(cfg_i.ram_base) + 56'(p) * 56'd4096);
          for (int i = 0; i < 512; i += 64) begin  // few long lines: formatting is slow
            for (int w = 0; w < 64; w++) line[64*w +: 64] = mem[p * 512 + i + w];
            $fwrite(fd, "%h\n", line);
          end
        end
      end
      $fclose(fd);
      dump_done_o = dump_go_i;
    end
  end

endmodule

`default_nettype wire
