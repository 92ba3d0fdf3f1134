// Files of a batch replay. Icarus reads and writes them itself, four-valued; Verilator through tb/hdl/batch/main.cpp,
// because its own $fread and $fwrite cost more than the design.

`default_nettype none

package vctx_tb_io_pkg;

  localparam int REC_BITS = 512;  // of one record of the stimulus, and the most that is written at once

`ifdef VERILATOR

  import "DPI-C" function int io_open(input string path, input bit for_writing);
  import "DPI-C" function bit io_read_record(input int file, output bit [REC_BITS-1:0] rec);
  import "DPI-C" function void io_write(input int file, input int bytes, input bit [REC_BITS-1:0] data);
  import "DPI-C" function void io_flush(input int file);

`else

  // Returns 0 if there is no such file.
  function automatic int io_open(input string path, input bit for_writing);
    io_open = for_writing ? $fopen(path, "wb") : $fopen(path, "rb");
  endfunction

  // Writes the least significant bytes, a multiple of 8: each 32-bit word as a pair, its value and its unknown bits.
  function automatic void io_write(input int file, input int bytes, input logic [REC_BITS-1:0] data);
    for (int i = 0; i < bytes / 8; i++) $fwrite(file, "%z", data[64*i +: 64]);
  endfunction

  function automatic void io_flush(input int file);
    $fflush(file);
  endfunction

`endif

  // Reads one record, most significant byte first; `got` is 0 at the end of the file.
  task automatic io_read(input int file, output logic [REC_BITS-1:0] rec, output bit got);
`ifdef VERILATOR
    got = io_read_record(file, rec);
`else
    got = $fread(rec, file) == REC_BITS / 8;
`endif
  endtask

endpackage

`default_nettype wire
