// SPDX-License-Identifier: Apache-2.0
// One AXI subordinate in front of the shared RAM: bursts in order, seeded latency and back-pressure, one beat a cycle.
//
// An address outside RAM is answered with DECERR, so that the manager sees its error and nothing hangs.

`default_nettype none

module vctx_tb_axi_port import vctx_tb_pkg::*; #(
  parameter int DLEN = 64
) (
  input  logic              clk_i,
  input  logic              rst_ni,
  input  cfg_t              cfg_i,
  input  logic [31:0]       seed_i,
  // AXI
  input  logic [3:0]        awid_i,
  input  logic [55:0]       awaddr_i,
  input  logic [7:0]        awlen_i,
  input  logic              awvalid_i,
  output logic              awready_o,
  input  logic              wvalid_i,
  output logic              wready_o,
  output logic [3:0]        bid_o,
  output logic [1:0]        bresp_o,
  output logic              bvalid_o,
  input  logic              bready_i,
  input  logic [3:0]        arid_i,
  input  logic [55:0]       araddr_i,
  input  logic [7:0]        arlen_i,
  input  logic              arvalid_i,
  output logic              arready_o,
  output logic [3:0]        rid_o,
  output logic [DLEN-1:0]   rdata_o,
  output logic [1:0]        rresp_o,
  output logic              rlast_o,
  output logic              rvalid_o,
  input  logic              rready_i,
  // RAM: address of the beat that is read or written next, aligned to DLEN/8 bytes
  output logic [55:0]       read_addr_o,
  input  logic [DLEN-1:0]   read_data_i,
  output logic [55:0]       write_addr_o,
  output logic              write_o
);

  localparam int OffW = $clog2(DLEN / 8);
  localparam int Queue = 4;  // bursts accepted ahead

  // Bursts under way: read, waiting for write data, waiting for their response. An array each: Icarus copies structures.
  logic [55:0] read_at [Queue];
  logic [7:0]  read_len [Queue];
  logic [3:0]  read_id [Queue];
  logic [31:0] read_due [Queue];
  logic [55:0] write_at [Queue];
  logic [7:0]  write_len [Queue];
  logic [3:0]  write_id [Queue];
  logic [3:0]  answer_id [Queue];
  logic [1:0]  answer_resp [Queue];
  logic [31:0] answer_due [Queue];
  int          read_head, read_count, read_beat, slot;
  int          write_head, write_count, write_beat;
  int          answer_head, answer_count;
  logic        busy;  // something is under way, or offered to the manager
  logic [31:0] now_q, rnd_q;

  function automatic logic outside(input logic [55:0] addr, input logic [55:0] base, input logic [55:0] size);
    outside = addr < base || addr - base >= size;
  endfunction

  function automatic logic [31:0] delay(input logic [31:0] rnd, input logic is_random, input logic [7:0] latency);
    delay = is_random ? 32'(16'(rnd[23:8] % (16'(latency) + 16'd1))) : 32'(latency);
  endfunction

  assign write_o = wvalid_i && wready_o;

  // Blocking inside, registered outputs: everything a cycle does, in order. With nothing to do, time stands still.
  always @(posedge clk_i) begin
    if (!rst_ni) begin
      now_q = '0;
      rnd_q = seed_i;
      busy = 1'b1;
      read_head = 0;
      read_count = 0;
      read_beat = 0;
      write_head = 0;
      write_count = 0;
      write_beat = 0;
      answer_head = 0;
      answer_count = 0;
      awready_o <= 1'b0;
      wready_o <= 1'b0;
      arready_o <= 1'b0;
      bvalid_o <= 1'b0;
      bid_o <= '0;
      bresp_o <= '0;
      rvalid_o <= 1'b0;
      rid_o <= '0;
      rdata_o <= 'x;
      rresp_o <= '0;
      rlast_o <= 1'b0;
      read_addr_o <= '0;
      write_addr_o <= '0;
    end else if (busy || arvalid_i || awvalid_i || wvalid_i) begin
      now_q = now_q + 32'd1;
      busy = 1'b0;
      if (cfg_i.random || cfg_i.stall != 8'd0) rnd_q = xorshift(rnd_q);

      // Read: the beat at the head leaves when the data register is free.
      if (!rvalid_o || rready_i) begin
        if (read_count != 0 && !(now_q < read_due[read_head]) && rnd_q[7:0] >= cfg_i.stall) begin
          busy = 1'b1;
          rvalid_o <= 1'b1;
          rdata_o <= read_data_i;
          rid_o <= read_id[read_head];
          rresp_o <= outside(read_addr_o, cfg_i.ram_base, cfg_i.ram_size) ? 2'b11 : 2'b00;
          rlast_o <= read_beat == 32'(read_len[read_head]);
          if (read_beat == 32'(read_len[read_head])) begin
            read_beat = 0;
            read_head = (read_head + 1) % Queue;
            read_count = read_count - 1;
          end else begin
            read_beat = read_beat + 1;
          end
        end else if (rvalid_o) begin
          rvalid_o <= 1'b0;
          rdata_o <= 'x;
        end
      end else begin
        busy = 1'b1;
      end
      if (arvalid_i && arready_o) begin
        slot = (read_head + read_count) % Queue;
        read_at[slot] = {araddr_i[55:OffW], {OffW{1'b0}}};
        read_len[slot] = arlen_i;
        read_id[slot] = arid_i;
        read_due[slot] = now_q + delay(rnd_q, cfg_i.random, cfg_i.latency);
        read_count = read_count + 1;
      end
      arready_o <= read_count != Queue && rnd_q[15:8] >= cfg_i.stall;
      if (read_count != 0) begin
        busy = 1'b1;
        read_addr_o <= read_at[read_head] + 56'(read_beat << OffW);
      end

      // Write: data follows its address, the response follows the last data.
      if (!bvalid_o || bready_i) begin
        bvalid_o <= 1'b0;
        if (answer_count != 0 && !(now_q < answer_due[answer_head])) begin
          busy = 1'b1;
          bvalid_o <= 1'b1;
          bid_o <= answer_id[answer_head];
          bresp_o <= answer_resp[answer_head];
          answer_head = (answer_head + 1) % Queue;
          answer_count = answer_count - 1;
        end
      end else begin
        busy = 1'b1;
      end
      if (wvalid_i && wready_o) begin
        if (write_beat == 32'(write_len[write_head])) begin
          slot = (answer_head + answer_count) % Queue;
          answer_id[slot] = write_id[write_head];
          answer_resp[slot] = outside(write_at[write_head], cfg_i.ram_base, cfg_i.ram_size) ? 2'b11 : 2'b00;
          answer_due[slot] = now_q + delay({rnd_q[15:0], rnd_q[31:16]}, cfg_i.random, cfg_i.latency);
          answer_count = answer_count + 1;
          write_beat = 0;
          write_head = (write_head + 1) % Queue;
          write_count = write_count - 1;
        end else begin
          write_beat = write_beat + 1;
        end
      end
      if (awvalid_i && awready_o) begin
        slot = (write_head + write_count) % Queue;
        write_at[slot] = {awaddr_i[55:OffW], {OffW{1'b0}}};
        write_len[slot] = awlen_i;
        write_id[slot] = awid_i;
        write_count = write_count + 1;
      end
      awready_o <= write_count != Queue && rnd_q[23:16] >= cfg_i.stall;
      wready_o <= write_count != 0 && answer_count != Queue && rnd_q[31:24] >= cfg_i.stall;
      if (write_count != 0) write_addr_o <= write_at[write_head] + 56'(write_beat << OffW);
      if (write_count != 0 || answer_count != 0) busy = 1'b1;
    end
  end

endmodule

`default_nettype wire
