# The files of the example in this folder: vctx sweep states --design examples/own_status/files.f --top own_status
# Faults are switched on by +define+: see csr_file.sv.
csr_file.sv
own_status.sv
