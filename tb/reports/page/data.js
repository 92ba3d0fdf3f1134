// SPDX-License-Identifier: Apache-2.0
// What the page has of the timeline: columns of numbers (tb/timeline/pack.py), unpacked when they are needed.
"use strict";

const ARRAYS = { 1: Uint8Array, 2: Uint16Array, 4: Uint32Array };
const KEPT_PIECES = 12; // of instructions, unpacked

async function unpack(blob) {
  const text = atob(document.getElementById(`blob-${blob}`).textContent.trim());
  const bytes = Uint8Array.from(text, (char) => char.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).arrayBuffer();
}

async function columns(described) {
  const data = await unpack(described.blob);
  const out = { rows: described.rows };
  let at = 0;
  for (const [name, width, ascends] of described.columns) {
    const end = at + width * described.rows;
    let values = new ARRAYS[width](data.slice(at, end));
    if (ascends) {
      values = Float64Array.from(values);
      for (let row = 1; row < values.length; row++) {
        values[row] = (values[row] + values[row - 1]) % 4294967296; // differences, some of them below zero
      }
    }
    out[name] = values;
    at = end;
  }
  return out;
}

// Return how many of an ascending column are at most `value`.
function countUpTo(column, value) {
  let low = 0;
  let high = column.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (column[middle] <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}

class Hart {
  constructor(number, packed) {
    this.number = number;
    this.pieces = packed.pieces;
    this.packed = packed;
    this.unpacked = new Map();
  }

  async load() {
    const slices = (this.slices = await columns(this.packed.slices));
    slices.end = slices.start.map((start, at) => start + slices.cycles[at] + slices.wait[at]);
    slices.last = slices.first.map((first, at) => first + slices.count[at]);
    this.migrations = (await columns(this.packed.migrations)).first;
    this.traps = await columns(this.packed.traps);
    this.bus = await columns(this.packed.bus);
    this.lanes = {};
    for (const [name, lane] of Object.entries(this.packed.lanes)) this.lanes[name] = await columns(lane);
    this.depths = []; // numbers of the slices, by depth
    for (let slice = 0; slice < this.slices.rows; slice++) {
      (this.depths[this.slices.depth[slice]] ||= []).push(slice);
    }
  }

  // The pieces of instructions that reach into some time.
  piecesIn(from, to) {
    return this.pieces.filter((piece) => piece.end > from && piece.start <= to);
  }

  async piece(described) {
    const known = this.unpacked.get(described.first);
    if (known) return known;
    if (this.unpacked.size >= KEPT_PIECES) this.unpacked.delete(this.unpacked.keys().next().value);
    const piece = await columns(described);
    piece.first = described.first;
    let end = described.start;
    piece.end = piece.wait.length ? Float64Array.from(piece.wait, (wait, at) => (end += wait + piece.cycles[at])) : [];
    this.unpacked.set(described.first, piece);
    return piece;
  }

  // A piece if it is unpacked already.
  ready(described) {
    return this.unpacked.get(described.first);
  }

  // What a lane has at a time: the value that began last, at that time or before.
  at(lane, time) {
    const { time: times, value } = this.lanes[lane];
    return value[Math.max(0, countUpTo(times, time) - 1)];
  }

  // The innermost slice that an instruction belongs to, -1 for none.
  sliceOf(instruction) {
    for (let slice = countUpTo(this.slices.first, instruction) - 1; slice >= 0; slice--) {
      if (this.slices.last[slice] > instruction) return slice;
      if (this.slices.depth[slice] === 0) return -1;
    }
    return -1;
  }

  // The functions from the outermost to a slice.
  path(slice) {
    const out = [];
    let depth = this.slices.depth[slice];
    for (let at = slice; at >= 0 && depth >= 0; at--) {
      if (this.slices.depth[at] === depth) {
        out.unshift(at);
        depth--;
      }
    }
    return out;
  }
}
