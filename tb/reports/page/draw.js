// SPDX-License-Identifier: Apache-2.0
// Draws one hart: lanes, functions, bus and, when few enough are in view, instructions. It changes nothing but a canvas.
"use strict";

const ROW = 17;
const LABEL = 11; // px of text
const FEW = 1500; // instructions in view that are drawn
const VS = ["Off", "Initial", "Clean", "Dirty"];
const MODES = ["U", "HS", "", "M", "VU", "VS"];
const PALETTE = ["#4e79a7", "#f28e2b", "#59a14f", "#b07aa1", "#edc948", "#76b7b2", "#ff9da7", "#9c755f", "#86bcb6", "#d37295"];

function colours() {
  const style = getComputedStyle(document.documentElement);
  const of = (name) => style.getPropertyValue(`--${name}`).trim();
  return {
    text: of("text"), muted: of("muted"), line: of("line"), raised: of("raised"), bad: of("bad"), nobody: of("nobody"),
    kernel: of("kernel"), focus: of("focus"), slice: of("slice-text"), bus: of("link"),
    vs: [of("off"), of("initial"), of("clean"), of("dirty")],
    mode: [of("mode-u"), of("mode-hs"), "", of("mode-m"), of("mode-vu"), of("mode-vs")],
  };
}

// The colour of whoever a name is: the same on every hart and in every row.
function colourOf(name, theme) {
  if (name === "nobody" || name === "") return theme.nobody;
  if (name === "kernel mode") return theme.kernel;
  if (name.includes(" + ")) return theme.bad;
  const number = Number((/\d+$/.exec(name) || ["0"])[0]);
  return PALETTE[(number + (name.startsWith("task") ? 5 : 0)) % PALETTE.length];
}

class Drawing {
  constructor(canvas, hart, page) {
    Object.assign(this, { canvas, hart, page });
    const depths = hart.depths.length;
    this.rows = ["registers hold", "mstatus.VS", "vsstatus.VS", "mode", ...Array(depths).fill(""), "moves", "migrations", "traps", "bus", "breaks", "instructions"];
    if (depths) this.rows[4] = "functions";
    this.functions = 4;
    this.after = 4 + depths;
    this.hits = []; // [left, right, top, what], in the order of drawing
  }

  draw(view, chosen) {
    const { canvas } = this;
    const width = canvas.clientWidth;
    const height = this.rows.length * ROW + 4;
    const scale = window.devicePixelRatio || 1;
    canvas.width = width * scale;
    canvas.height = height * scale;
    canvas.style.height = `${height}px`;
    this.left = width < 600 ? 0 : 110;
    this.pen = canvas.getContext("2d");
    this.pen.scale(scale, scale);
    this.pen.font = `${LABEL}px system-ui, sans-serif`;
    this.pen.textBaseline = "middle";
    this.theme = colours();
    this.view = view;
    this.width = width;
    this.hits = [];
    const { names } = this.page;
    this.lane(0, "owner", (value) => colourOf(names[value], this.theme), (value) => names[value]);
    this.lane(1, "mstatus_vs", (value) => this.theme.vs[value], (value) => VS[value]);
    this.lane(2, "vsstatus_vs", (value) => this.theme.vs[value], (value) => VS[value]);
    this.lane(3, "mode", (value) => this.theme.mode[value], (value) => MODES[value]);
    this.hart.depths.forEach((slices, depth) => this.slices(this.functions + depth, slices, chosen));
    this.moves(this.after);
    this.migrations(this.after + 1);
    this.traps(this.after + 2);
    this.bus(this.after + 3);
    this.breaks(this.after + 4);
    this.instructions(this.after + 5, chosen);
    if (this.left) this.labels();
  }

  x(time) {
    const { from, to } = this.view;
    return this.left + ((time - from) / (to - from)) * (this.width - this.left);
  }

  box(from, to, row, colour, text) {
    const left = Math.max(this.left, this.x(from));
    const right = Math.min(this.width, Math.max(this.x(to), left + 1));
    if (right <= left) return null;
    this.pen.fillStyle = colour;
    this.pen.fillRect(left, row * ROW + 3, right - left, ROW - 2);
    if (text && right - left > 28) this.write(text, left + 3, right, row, colour === this.theme.nobody ? this.theme.text : this.theme.slice);
    return [left, right];
  }

  write(text, left, right, row, colour) {
    this.pen.save();
    this.pen.beginPath();
    this.pen.rect(left, row * ROW, right - left - 3, ROW + 2);
    this.pen.clip();
    this.pen.fillStyle = colour;
    this.pen.fillText(text, left, row * ROW + 3 + (ROW - 2) / 2);
    this.pen.restore();
  }

  labels() {
    this.rows.forEach((label, row) => this.write(label, 4, this.left, row, this.theme.muted));
  }

  lane(row, name, colour, text) {
    const { time, value } = this.hart.lanes[name];
    const { from, to } = this.view;
    let last = -1;
    for (let at = Math.max(0, countUpTo(time, from) - 1); at < time.length && time[at] <= to; at++) {
      const end = at + 1 < time.length ? time[at + 1] : this.page.end;
      const right = Math.floor(this.x(end));
      if (right === last) continue; // within the pixel that was drawn last
      last = right;
      this.box(time[at], end, row, colour(value[at]), text(value[at]));
    }
  }

  slices(row, numbers, chosen) {
    const { start, end, who, name } = this.hart.slices;
    const { names } = this.page;
    const { from, to } = this.view;
    let low = 0;
    let high = numbers.length; // those of one depth follow each other, so their ends ascend, too
    while (low < high) {
      const middle = (low + high) >> 1;
      if (end[numbers[middle]] < from) low = middle + 1;
      else high = middle;
    }
    let last = -1;
    for (let at = low; at < numbers.length && start[numbers[at]] <= to; at++) {
      const slice = numbers[at];
      const right = Math.floor(this.x(end[slice]));
      const isChosen = chosen.kind === "slice" && chosen.hart === this.hart.number && chosen.number === slice;
      if (right === last && !isChosen) continue;
      last = right;
      const box = this.box(start[slice], end[slice], row, colourOf(names[who[slice]], this.theme), names[name[slice]]);
      if (!box) continue;
      this.hits.push([...box, row, { kind: "slice", number: slice }]);
      if (isChosen) this.frame(box, row);
    }
  }

  frame([left, right], row) {
    this.pen.strokeStyle = this.theme.text;
    this.pen.lineWidth = 2;
    this.pen.strokeRect(left + 1, row * ROW + 4, Math.max(1, right - left - 2), ROW - 4);
  }

  // Saves and restores: whole boxes for those that were done, empty ones for those that were elided.
  moves(row) {
    const { moves, start, end, read, written, who } = this.hart.slices;
    const { from, to } = this.view;
    let last = -1;
    for (let slice = 0; slice < moves.length && start[slice] <= to; slice++) {
      if (!moves[slice] || end[slice] < from) continue;
      const right = Math.floor(this.x(end[slice]));
      if (right === last) continue;
      last = right;
      const done = read[slice] + written[slice] > 0;
      const direction = written[slice] ? "save" : "restore";
      const colour = done ? colourOf(this.page.names[who[slice]], this.theme) : this.theme.raised;
      const box = this.box(start[slice], end[slice], row, colour, done ? direction : "");
      if (box) this.hits.push([...box, row, { kind: "slice", number: slice }]);
    }
  }

  // Guests that come from another hart.
  migrations(row) {
    const { start, who } = this.hart.slices;
    for (const slice of this.hart.migrations) {
      if (start[slice] < this.view.from || start[slice] > this.view.to) continue;
      const x = this.x(start[slice]);
      this.pen.fillStyle = colourOf(this.page.names[who[slice]], this.theme);
      this.pen.fillRect(x - 1, row * ROW + 4, 3, ROW - 4);
      this.hits.push([x - 4, x + 4, row, { kind: "slice", number: slice }]);
    }
  }

  traps(row) {
    const { time, number, cause } = this.hart.traps;
    for (let at = countUpTo(time, this.view.from); at < time.length && time[at] <= this.view.to; at++) {
      const x = this.x(time[at]);
      this.pen.fillStyle = cause[at] === 128 ? this.theme.muted : this.theme.bad;
      this.pen.fillRect(x - 1, row * ROW + 4, 3, ROW - 4);
      this.hits.push([x - 4, x + 4, row, { kind: "instruction", number: number[at] }]);
    }
  }

  bus(row) {
    const { time, bytes } = this.hart.bus;
    const size = time[0] || 1;
    const most = bytes.reduce((highest, value) => Math.max(highest, value), 1);
    this.pen.fillStyle = this.theme.bus;
    for (let at = countUpTo(time, this.view.from); at < time.length && time[at] - size <= this.view.to; at++) {
      const left = Math.max(this.left, this.x(time[at] - size));
      const tall = ((ROW - 4) * bytes[at]) / most;
      this.pen.fillRect(left, row * ROW + ROW - tall, Math.max(1, this.x(time[at]) - left), tall);
    }
  }

  // Where something is wrong: a mark, and a line through all rows.
  breaks(row) {
    for (const { hart, time, slice } of this.page.breaks) {
      if (hart !== this.hart.number || slice < 0 || time < this.view.from || time > this.view.to) continue;
      const x = this.x(time);
      this.pen.fillStyle = this.theme.bad;
      this.pen.fillRect(x - 0.5, 0, 1, (row + 1) * ROW);
      this.pen.beginPath();
      this.pen.arc(x, row * ROW + ROW / 2 + 2, 5, 0, 7);
      this.pen.fill();
      this.hits.push([x - 6, x + 6, row, { kind: "slice", number: slice }]);
    }
  }

  instructions(row, chosen) {
    const { from, to } = this.view;
    const pieces = this.hart.piecesIn(from, to).map((piece) => this.hart.ready(piece));
    if (pieces.length > 2 || pieces.some((piece) => !piece)) {
      this.write("zoom in to see instructions", this.left + 3, this.width, row, this.theme.muted);
      return;
    }
    const ranges = pieces.map((piece) => [piece, countUpTo(piece.end, from), countUpTo(piece.end, to) + 1]);
    if (ranges.reduce((sum, [, first, last]) => sum + last - first, 0) > FEW) {
      this.write("zoom in to see instructions", this.left + 3, this.width, row, this.theme.muted);
      return;
    }
    for (const [piece, first, last] of ranges) {
      for (let at = first; at < Math.min(last, piece.rows); at++) {
        const code = this.page.codes[piece.code[at]];
        const start = piece.end[at] - Math.max(piece.cycles[at], 1);
        const colour = this.theme.mode[MODES.indexOf(code[2])];
        const box = this.box(start, piece.end[at], row, colour, code[3]);
        if (!box) continue;
        this.hits.push([...box, row, { kind: "instruction", number: piece.first + at }]);
        const isChosen = chosen.kind === "instruction" && chosen.hart === this.hart.number && chosen.number === piece.first + at;
        if (isChosen) this.frame(box, row);
      }
    }
  }

  // What was drawn at a place, the last one first; in an empty row, the function.
  hit(x, y) {
    const row = Math.floor((y - 2) / ROW);
    const inRow = (want) => this.hits.findLast(([left, right, at]) => at === want && x >= left - 2 && x <= right + 2);
    let found = inRow(row);
    for (let depth = this.after - 1; !found && depth >= this.functions; depth--) found = inRow(depth);
    return found ? found[3] : null;
  }
}
