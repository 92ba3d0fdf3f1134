// SPDX-License-Identifier: Apache-2.0
// The timeline: what is in view, what is chosen, and what people do with it.
"use strict";

const LEAST = 4; // time units in view
const page = JSON.parse(document.getElementById("index").textContent);
const harts = page.harts.map((packed, number) => new Hart(number, packed));
const view = { from: 0, to: Math.max(page.end, LEAST) };
let chosen = { kind: "" };
let drawings = [];

const $ = (id) => document.getElementById(id);
const number = (value) => Math.round(value).toLocaleString("en");

function element(name, text, ...children) {
  const made = document.createElement(name);
  if (text) made.textContent = text;
  made.append(...children);
  return made;
}

function facts(pairs) {
  const list = element("dl");
  list.className = "facts";
  for (const [label, value] of pairs) {
    if (value === "" || value === null) continue;
    list.append(element("dt", label), value instanceof Node ? element("dd", "", value) : element("dd", String(value)));
  }
  return list;
}

function button(text, action) {
  const made = element("button", text);
  made.type = "button";
  made.addEventListener("click", action);
  return made;
}

// View

let waiting = false;
function redraw() {
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(() => {
    waiting = false;
    for (const drawing of drawings) drawing.draw(view, chosen);
    $("range").textContent = `${page.unit} ${number(view.from)} to ${number(view.to)} of ${number(page.end)}`;
    unpackInView();
  });
}

async function unpackInView() {
  for (const hart of harts) {
    const missing = hart.piecesIn(view.from, view.to);
    if (missing.length > 2) continue;
    for (const piece of missing.filter((each) => !hart.ready(each))) {
      await hart.piece(piece);
      redraw();
    }
  }
}

function show(from, to) {
  const span = Math.min(Math.max(to - from, LEAST), Math.max(page.end, LEAST));
  const middle = (from + to) / 2;
  view.from = Math.min(Math.max(0, middle - span / 2), Math.max(0, page.end - span));
  view.to = view.from + span;
  redraw();
}

function zoom(factor, at = (view.from + view.to) / 2) {
  show(at - (at - view.from) * factor, at + (view.to - at) * factor);
}

function move(share) {
  const by = (view.to - view.from) * share;
  show(view.from + by, view.to + by);
}

// Records

const isMove = (hart, slice) => hart.slices.moves[slice] === 1;

function choose(hart, what, span) {
  chosen = { ...what, hart: hart.number };
  const described = what.kind === "slice" ? describeSlice(hart, what.number) : describeInstruction(hart, what.number);
  if (span) show(...span);
  redraw();
  return described;
}

function spanOf(hart, slice) {
  const { start, end } = hart.slices;
  const around = Math.max(end[slice] - start[slice], 40);
  return [start[slice] - around, end[slice] + around];
}

function describeSlice(hart, slice) {
  const of = (column) => hart.slices[column][slice];
  const path = hart.path(slice).map((each) => page.names[hart.slices.name[each]]);
  const bytes = of("read") + of("written");
  const state = isMove(hart, slice) ? (bytes ? `done, ${number(bytes)} of ${number(page.context)} bytes` : "elided") : "";
  const breaks = page.breaks.filter((each) => each.hart === hart.number && each.slice === slice);
  const record = element("div", "", element("h3", page.names[of("name")]), facts([
    ...breaks.map((each) => ["broken here", element("mark", each.text)]),
    ["for", page.names[of("who")]],
    ["registers hold", `${page.names[of("owner")]}, when it begins; ${page.names[hart.at("owner", of("end"))]} at its end`],
    ["save or restore", state],
    ["called through", path.slice(0, -1).join(" > ")],
    ["hart", hart.number],
    [page.unit, `${number(of("start"))} to ${number(of("end"))}; its instructions take ${number(of("cycles"))}`],
    ["bytes on the bus", `${number(of("read"))} read, ${number(of("written"))} written`],
    ["instructions", number(of("last") - of("first"))],
    ["event of the trace", number(of("event"))],
  ]));
  record.append(
    button("Zoom to it", () => show(...spanOf(hart, slice))),
    " ",
    ...(of("last") > of("first") ? [button("First instruction", () => instruction(hart, of("first")))] : []),
  );
  $("record").replaceChildren(record);
}

async function pieceOf(hart, number) {
  const described = hart.pieces.findLast((piece) => piece.first <= number);
  const piece = described && number < described.first + described.rows ? await hart.piece(described) : null;
  return piece ? [piece, number - piece.first] : [null, 0];
}

// Choose an instruction, and zoom to it.
async function instruction(hart, which) {
  const [piece, at] = await pieceOf(hart, which);
  const span = piece ? [piece.end[at] - piece.cycles[at] - 20, piece.end[at] + 20] : null;
  await choose(hart, { kind: "instruction", number: which }, span);
}

const wide = (piece, name, at) =>
  `${name}.low` in piece
    ? `0x${((BigInt(piece[`${name}.high`][at]) << 32n) | BigInt(piece[`${name}.low`][at])).toString(16)}`
    : "not in this page";

function registers(mask) {
  const names = [];
  for (let reg = 0; reg < 32; reg++) if ((mask >>> reg) & 1) names.push(`v${reg}`);
  return names.length > 4 && names.length === 32 - Math.clz32(mask) - Number(names[0].slice(1))
    ? `${names[0]} to ${names[names.length - 1]}`
    : names.join(", ");
}

function trapped(cause) {
  if (!cause) return "";
  return cause === 128 ? "stopped by an interrupt" : `exception, cause ${cause - 1}`;
}

function stateTable(before, after) {
  const names = ["vl", "vtype", "vstart", "vcsr", "mstatus.VS", "vsstatus.VS"];
  const shown = (row, at) => (row ? (at > 3 ? VS[Number(row[at])] : row[at]) : "-");
  const table = element("table", "", element("tr", "", element("th", "state"), element("th", "before"), element("th", "after")));
  names.forEach((name, at) => {
    const changed = before && before[at] !== after[at];
    const cell = changed ? element("td", "", element("mark", shown(after, at))) : element("td", shown(after, at));
    table.append(element("tr", "", element("th", name), element("td", shown(before, at)), cell));
  });
  return table;
}

async function describeInstruction(hart, which) {
  const [piece, at] = await pieceOf(hart, which);
  if (!piece) {
    $("record").replaceChildren(element("p", "This instruction is not in this page."));
    return;
  }
  const [earlier, place] = which ? await pieceOf(hart, which - 1) : [null, 0];
  const [pc, insn, mode, text, symbol] = page.codes[piece.code[at]];
  const slice = hart.sliceOf(which);
  const path = slice < 0 ? [] : hart.path(slice).map((each) => page.names[hart.slices.name[each]]);
  const record = element("div", "", element("h3", text), facts([
    ["at", `${pc}, mode ${mode}, word ${insn}`],
    ["symbol", symbol],
    ["in", path.join(" > ")],
    ["for", slice < 0 ? "" : page.names[hart.slices.who[slice]]],
    ["registers hold", page.names[hart.at("owner", piece.end[at])]],
    ["raised", trapped(piece.trap[at])],
    ["wrote registers", registers(piece.regs[at])],
    ["x[rs1], result", `${wide(piece, "address", at)}, ${wide(piece, "rd", at)}`],
    [page.unit, `${number(piece.end[at])}; took ${piece.cycles[at]}`],
    ["bytes on the bus", `${number(piece.read[at])} read, ${number(piece.written[at])} written`],
    ["hart", hart.number],
    ["event of the trace", number(piece.event[at])],
  ]));
  record.append(
    stateTable(earlier ? page.states[earlier.state[place]] : null, page.states[piece.state[at]]),
    button("Instruction before", () => which && instruction(hart, which - 1)),
    " ",
    button("Instruction after", () => instruction(hart, which + 1)),
    " ",
    ...(slice < 0 ? [] : [button("Its function", () => choose(hart, { kind: "slice", number: slice }, spanOf(hart, slice)))]),
  );
  $("record").replaceChildren(record);
}

// Search

let searched = { query: "", matches: [], at: -1 };

async function search(query) {
  const text = query.trim().toLowerCase();
  const matches = [];
  const wanted = new Set(page.names.map((name, at) => (name.toLowerCase().includes(text) ? at : -1)));
  for (const hart of harts) {
    const { who, name, start } = hart.slices;
    for (let slice = 0; slice < hart.slices.rows; slice++) {
      if (wanted.has(who[slice]) || wanted.has(name[slice])) matches.push([start[slice], hart, { kind: "slice", number: slice }]);
    }
  }
  if (!matches.length) await searchInstructions(text, matches);
  return matches.sort((a, b) => a[0] - b[0]);
}

async function searchInstructions(text, matches) {
  const wanted = new Set();
  page.codes.forEach(([pc, insn, , shown, symbol], at) => {
    if (pc === text || insn === text || `${shown} ${symbol}`.toLowerCase().includes(text)) wanted.add(at);
  });
  if (!wanted.size) return;
  for (const hart of harts) {
    for (const described of hart.pieces) {
      const piece = await hart.piece(described);
      for (let at = 0; at < piece.rows; at++) {
        if (wanted.has(piece.code[at])) matches.push([piece.end[at], hart, { kind: "instruction", number: piece.first + at }]);
      }
    }
  }
}

async function find(step) {
  const query = $("query").value;
  if (!query.trim()) return;
  if (query !== searched.query) searched = { query, matches: await search(query), at: step > 0 ? -1 : 0 };
  const { matches } = searched;
  if (!matches.length) {
    $("found").textContent = "not found";
    return;
  }
  searched.at = (searched.at + step + matches.length) % matches.length;
  $("found").textContent = `${number(searched.at + 1)} of ${number(matches.length)}`;
  const [, hart, what] = matches[searched.at];
  if (what.kind === "instruction") await instruction(hart, what.number);
  else await choose(hart, what, spanOf(hart, what.number));
}

// Events

function wire(canvas, drawing) {
  let drag = null;
  const timeAt = (event) => {
    const box = canvas.getBoundingClientRect();
    const share = (event.clientX - box.left - drawing.left) / (box.width - drawing.left);
    return view.from + share * (view.to - view.from);
  };
  canvas.addEventListener("pointerdown", (event) => {
    drag = { x: event.clientX, from: view.from, to: view.to, moved: false };
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!drag) return;
    const by = ((drag.x - event.clientX) / (canvas.clientWidth - drawing.left)) * (drag.to - drag.from);
    drag.moved ||= Math.abs(drag.x - event.clientX) > 4;
    if (drag.moved) show(drag.from + by, drag.to + by);
  });
  canvas.addEventListener("pointerup", (event) => {
    const box = canvas.getBoundingClientRect();
    const found = drag && !drag.moved && drawing.hit(event.clientX - box.left, event.clientY - box.top);
    drag = null;
    if (found) choose(drawing.hart, found);
  });
  canvas.addEventListener("dblclick", (event) => zoom(0.25, timeAt(event)));
  canvas.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !event.metaKey) return; // else the page scrolls
    event.preventDefault();
    zoom(event.deltaY > 0 ? 1.25 : 0.8, timeAt(event));
  }, { passive: false });
}

function keys(event) {
  const actions = {
    "+": () => zoom(0.5), "=": () => zoom(0.5), "-": () => zoom(2), 0: () => show(0, page.end),
    ArrowLeft: () => move(-0.25), ArrowRight: () => move(0.25),
  };
  const action = event.ctrlKey || event.metaKey ? null : actions[event.key];
  if (!action) return;
  event.preventDefault();
  action();
}

function legend() {
  const theme = colours();
  const entries = VS.map((name, at) => [`VS ${name}`, theme.vs[at]]);
  MODES.forEach((name, at) => name && entries.push([`mode ${name}`, theme.mode[at]]));
  const owners = new Set(harts.flatMap((hart) => Array.from(hart.lanes.owner.value)));
  for (const owner of owners) entries.push([page.names[owner], colourOf(page.names[owner], theme)]);
  $("legend").replaceChildren(...entries.slice(0, 40).map(([name, colour]) => {
    const sample = element("i");
    sample.style.background = colour;
    return element("span", "", sample, name);
  }));
}

async function start() {
  Object.assign(page, JSON.parse(new TextDecoder().decode(await unpack(page.tables))));
  for (const hart of harts) {
    await hart.load();
    const canvas = element("canvas");
    const holder = element("div", "", element("h3", `Hart ${hart.number}`), canvas);
    holder.className = "hart";
    holder.tabIndex = 0;
    holder.setAttribute("role", "group");
    holder.setAttribute("aria-label", `Timeline of hart ${hart.number}: plus and minus zoom, arrows move`);
    holder.addEventListener("keydown", keys);
    $("harts").append(holder);
    const drawing = new Drawing(canvas, hart, page);
    drawings.push(drawing);
    wire(canvas, drawing);
  }
  legend();
  redraw();
  document.body.dataset.ready = "yes";
}

for (const jump of document.querySelectorAll(".jump")) {
  jump.addEventListener("click", () => {
    const place = JSON.parse(jump.dataset.place);
    const hart = harts[place.hart];
    if (place.slice >= 0) choose(hart, { kind: "slice", number: place.slice }, spanOf(hart, place.slice));
    else show(place.time - 200, place.time + 200);
    $("timeline").scrollIntoView();
  });
}
$("zoom-in").addEventListener("click", () => zoom(0.5));
$("zoom-out").addEventListener("click", () => zoom(2));
$("zoom-all").addEventListener("click", () => show(0, page.end));
$("search").addEventListener("submit", (event) => {
  event.preventDefault();
  find(1);
});
$("previous").addEventListener("click", () => find(-1));
window.addEventListener("resize", redraw);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  legend();
  redraw();
});
start();
