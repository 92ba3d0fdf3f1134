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

  typedef struct packed {
    logic [55:0] addr;
    logic [7:0]  len;
    logic [3:0]  id;
    logic [31:0] due;
  } burst_t;

  logic [31:0] now_q, rnd_q;
  burst_t      reads [Queue];
  burst_t      writes [Queue];
  burst_t      answers [Queue];
  burst_t      burst;
  int          read_head, read_count, read_beat;
  int          write_head, write_count, write_beat;
  int          answer_head, answer_count;
  logic [DLEN-1:0] rdata_q;

  function automatic logic outside(input logic [55:0] addr, input logic [55:0] base, input logic [55:0] size);
    outside = addr < base || addr - base >= size;
  endfunction

  function automatic logic [31:0] delay(input logic [31:0] rnd, input logic is_random, input logic [7:0] latency);
    delay = is_random ? 32'(16'(rnd[23:8] % (16'(latency) + 16'd1))) : 32'(latency);
  endfunction

  assign write_o = wvalid_i && wready_o;
  assign rdata_o = rvalid_o ? rdata_q : 'x;

  // Blocking inside, registered outputs: everything a cycle does, in order.
  always @(posedge clk_i) begin
    if (!rst_ni) begin
      now_q = '0;
      rnd_q = seed_i;
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
      rresp_o <= '0;
      rlast_o <= 1'b0;
      read_addr_o <= '0;
      write_addr_o <= '0;
    end else begin
      now_q = now_q + 32'd1;

      // Read: the beat at the head leaves when the data register is free.
      if (!rvalid_o || rready_i) begin
        rnd_q = xorshift(rnd_q);
        burst = reads[read_head];
        if (read_count != 0 && !(now_q < burst.due) && rnd_q[7:0] >= cfg_i.stall) begin
          rvalid_o <= 1'b1;
          rdata_q <= read_data_i;
          rid_o <= burst.id;
          rresp_o <= outside(read_addr_o, cfg_i.ram_base, cfg_i.ram_size) ? 2'b11 : 2'b00;
          rlast_o <= read_beat == 32'(burst.len);
          if (read_beat == 32'(burst.len)) begin
            read_beat = 0;
            read_head = (read_head + 1) % Queue;
            read_count = read_count - 1;
          end else begin
            read_beat = read_beat + 1;
          end
        end else begin
          rvalid_o <= 1'b0;
        end
      end
      if (arvalid_i && arready_o) begin
        rnd_q = xorshift(rnd_q);
        reads[(read_head + read_count) % Queue] =
            {araddr_i, arlen_i, arid_i, now_q + delay(rnd_q, cfg_i.random, cfg_i.latency)};
        read_count = read_count + 1;
      end
      rnd_q = xorshift(rnd_q);
      arready_o <= read_count != Queue && rnd_q[7:0] >= cfg_i.stall;
      burst = reads[read_head];
      read_addr_o <= {burst.addr[55:OffW], {OffW{1'b0}}} + 56'(read_beat << OffW);

      // Write: data follows its address, the response follows the last data.
      if (bvalid_o && bready_i) bvalid_o <= 1'b0;
      if (!bvalid_o || bready_i) begin
        burst = answers[answer_head];
        if (answer_count != 0 && !(now_q < burst.due)) begin
          bvalid_o <= 1'b1;
          bid_o <= burst.id;
          bresp_o <= outside(burst.addr, cfg_i.ram_base, cfg_i.ram_size) ? 2'b11 : 2'b00;
          answer_head = (answer_head + 1) % Queue;
          answer_count = answer_count - 1;
        end
      end
      if (wvalid_i && wready_o) begin
        burst = writes[write_head];
        if (write_beat == 32'(burst.len)) begin
          rnd_q = xorshift(rnd_q);
          answers[(answer_head + answer_count) % Queue] =
              {burst.addr, burst.len, burst.id, now_q + delay(rnd_q, cfg_i.random, cfg_i.latency)};
          answer_count = answer_count + 1;
          write_beat = 0;
          write_head = (write_head + 1) % Queue;
          write_count = write_count - 1;
        end else begin
          write_beat = write_beat + 1;
        end
      end
      if (awvalid_i && awready_o) begin
        writes[(write_head + write_count) % Queue] = {awaddr_i, awlen_i, awid_i, 32'd0};
        write_count = write_count + 1;
      end
      rnd_q = xorshift(rnd_q);
      awready_o <= write_count != Queue && rnd_q[7:0] >= cfg_i.stall;
      wready_o <= write_count != 0 && answer_count != Queue && rnd_q[15:8] >= cfg_i.stall;
      burst = writes[write_head];
      write_addr_o <= {burst.addr[55:OffW], {OffW{1'b0}}} + 56'(write_beat << OffW);
    end
  end

endmodule

`default_nettype wire
