# SPDX-License-Identifier: Apache-2.0
"""The checker is checked: every kind of wrong expectation, and every kind of wrong RTL, is caught and named."""

from __future__ import annotations

import copy
import json
import shutil
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tb_designs import edited, ordinary, replay_on, sabotaged, with_axi_pins
from tb_scripts import DIRTY, RAM_BASE, Script, identity, memory_script, pattern, script, write_trace

from vctx.pymodel.places import RTL
from vctx.pymodel.trace import Checkpoint, Event, Insn, Retire, TraceError, TraceReader, Trap
from vctx.pymodel.trace.bulk import INSN_HEAD, RETIRE_HEAD, XLAT
from vctx.pymodel.trace.file import END_PAYLOAD, FRAME, KIND
from vctx.tb.replay.launch import replay
from vctx.tb.replay.layout import ERRORS
from vctx.tb.replay.result import Latency, Mismatch


def retires(events: list[Event], accept: Callable[[Retire], Any]) -> list[tuple[int, Retire]]:
    return [(i, e.retire) for i, e in enumerate(events) if isinstance(e, Insn) and accept(e.retire)]


def falsified(event: Event, retire: Retire) -> Insn:
    assert isinstance(event, Insn)
    return replace(event, retire=retire)


def flip_trap(**change: int) -> Callable[[Retire], Retire]:
    def flip(retire: Retire) -> Retire:
        assert retire.trap is not None
        values = {name: getattr(retire.trap, name) ^ change.get(name, 0) for name in ("cause", "tval", "tval2")}
        return retire._replace(trap=Trap(**values))

    return flip


def flip_field(name: str, bit: int) -> Callable[[Retire], Retire]:
    return lambda retire: retire._replace(**{name: getattr(retire, name) ^ bit})


def set_field(**value: Any) -> Callable[[Retire], Retire]:
    return lambda retire: retire._replace(**value)


def edit_mem(edit: Callable[[dict[int, int]], None]) -> Callable[[Retire], Retire]:
    def change(retire: Retire) -> Retire:
        mem = dict(retire.mem)
        edit(mem)
        return retire._replace(mem=mem)

    return change


def edit_vregs(edit: Callable[[dict[int, bytes]], None]) -> Callable[[Retire], Retire]:
    def change(retire: Retire) -> Retire:
        vregs = dict(retire.vregs)
        edit(vregs)
        return retire._replace(vregs=vregs)

    return change


def flip_last_bit(vregs: dict[int, bytes]) -> None:
    reg, value = max(vregs.items())
    vregs[reg] = value[:-1] + bytes([value[-1] ^ 0x80])


def anything(retire: Retire) -> bool:
    return True


# name: which record (the last that fits), how to falsify it, the field that the report must name
FALSE_EXPECTATIONS: dict[str, tuple[Callable[[Retire], Any], Callable[[Retire], Retire], str]] = {
    "rd": (lambda r: r.rd, flip_field("rd", 1), "rd"),
    "rd_written": (lambda r: r.rd is not None, set_field(rd=None), "rd"),
    "rd_not_written": (lambda r: r.rd is None, set_field(rd=0), "rd"),
    "vl": (anything, flip_field("vl", 1 << 7), "vl"),
    "vtype": (anything, flip_field("vtype", 1 << 63), "vtype"),
    "vstart": (anything, flip_field("vstart", 1), "vstart"),
    "vcsr": (anything, flip_field("vcsr", 4), "vcsr"),
    "mstatus_vs": (anything, flip_field("mstatus_vs", 1), "mstatus_vs"),
    "vsstatus_vs": (anything, flip_field("vsstatus_vs", 2), "vsstatus_vs"),
    "irq": (lambda r: r.irq, flip_field("irq", True), "irq"),
    "cause": (lambda r: r.trap, flip_trap(cause=2), "trap"),
    "tval": (lambda r: r.trap, flip_trap(tval=1 << 63), "trap"),
    "tval2": (lambda r: r.trap and r.trap.tval2, flip_trap(tval2=1), "trap"),
    "trap": (lambda r: r.trap, set_field(trap=None), "trap"),
    "no_trap": (lambda r: r.trap is None, set_field(trap=Trap(2, 0)), "trap"),
    "vreg_bit": (lambda r: r.vregs, edit_vregs(flip_last_bit), "v8"),
    "vreg_dropped": (lambda r: 8 in r.vregs, edit_vregs(lambda v: v.pop(8)), "v8"),
    "vreg_surplus": (lambda r: r.vregs, edit_vregs(lambda v: v.update({31: bytes(16)})), "v31"),
    "mem_byte": (lambda r: r.mem, edit_mem(lambda m: m.update({max(m): m[max(m)] ^ 1})), "mem[0x8000040f]"),
    "mem_dropped": (lambda r: r.mem, edit_mem(lambda m: m.pop(max(m))), "mem[0x8000040f]"),
    "mem_surplus": (lambda r: r.mem, edit_mem(lambda m: m.update({max(m) + 1: 0xA5})), "mem[0x80000410]"),
}


def replay_events(events: list[Event], tmp_path: Path, sim: str = "verilator") -> Mismatch:
    result = replay(write_trace(tmp_path / "false.trace", events), sim=sim, out_dir=tmp_path / "run")
    assert not result.ok and result.mismatch is not None
    return result.mismatch


@pytest.mark.parametrize("name", FALSE_EXPECTATIONS)
def test_a_false_expectation_is_caught_at_its_instruction(name: str, tmp_path: Path) -> None:
    accept, falsify, field = FALSE_EXPECTATIONS[name]
    events = copy.deepcopy(script("fault").events)
    index, retire = retires(events, accept)[-1]
    events[index] = falsified(events[index], falsify(retire))
    mismatch = replay_events(events, tmp_path)
    assert (mismatch.index, mismatch.kind, mismatch.hart) == (index, "instruction", 0)
    assert [d.field for d in mismatch.differences] == [field]
    assert mismatch.differences[0].expected != mismatch.differences[0].observed


def test_the_report_says_what_where_for_whom_and_how_to_reproduce(tmp_path: Path) -> None:
    events = copy.deepcopy(script("context").events)
    index, retire = retires(events, lambda r: r.mem)[0]
    mem = {addr: value ^ (addr == min(retire.mem)) for addr, value in retire.mem.items()}
    events[index] = falsified(events[index], retire._replace(mem=mem))
    mismatch = replay_events(events, tmp_path)
    insn = events[index]
    assert isinstance(insn, Insn)
    assert (mismatch.pc, mismatch.insn, mismatch.mode) == (insn.pc, insn.issue.insn, "M")
    assert (mismatch.where, mismatch.who) == ("guest_vector_save", "vcpu0")
    text = mismatch.text()
    for part in ("vse8.v v0, (a0)", "guest_vector_save", "vcpu0", "mem[0x80002000]", "0x3", "0x2", f"{insn.pc:#x}"):
        assert part in text
    assert text.endswith("reproduce with: vctx replay false.trace")


@pytest.mark.parametrize("step", [False, True])
def test_a_damaged_trace_is_no_fault_of_the_rtl(step: bool, tmp_path: Path) -> None:
    """One bit of one register's value is wrong, and the checksum tells."""
    events = script("context").events
    _, retire = retires(events, lambda r: r.vregs)[-1]
    trace = write_trace(tmp_path / "damaged.trace", events)
    data = bytearray(trace.read_bytes())
    data[data.rindex(max(retire.vregs.values()))] ^= 1
    trace.write_bytes(data)
    with pytest.raises(TraceError, match="damaged"):
        replay(trace, sim="verilator", out_dir=tmp_path / "run", step=step)
    found = tmp_path / "run" / "result.json"
    assert not found.exists() or json.loads(found.read_text())["mismatch"] is None


def crafted(path: Path, edit: Callable[[bytearray], None]) -> Path:
    """Write a trace whose last load, which has a page, was edited as a payload; count and checksum are right."""
    whole = write_trace(path, script("context").events)
    at = TraceReader(whole).body
    data = whole.read_bytes()
    events: list[tuple[int, bytearray]] = []
    while at < len(data):
        kind, length = FRAME.unpack_from(data, at)
        at += FRAME.size + length
        events.append((kind, bytearray(data[at - length : at])))
    events.pop()
    edit([payload for kind, payload in events if kind == KIND["insn"] and payload[PAGES_AT] and payload[REGS_AT]][-1])
    return framed(path, events)


def framed(path: Path, events: list[tuple[int, bytearray]]) -> Path:
    """Write a trace of (kind, payload)."""
    empty = write_trace(path, []).read_bytes()[: TraceReader(path).body]
    body = b"".join(FRAME.pack(kind, len(payload)) + payload for kind, payload in events)
    end = END_PAYLOAD.pack(len(events), zlib.crc32(body))
    path.write_bytes(empty + body + FRAME.pack(KIND["end"], len(end)) + end)
    return path


PAGES_AT = INSN_HEAD.fields["pages"][1]
REGS_AT = INSN_HEAD.itemsize + RETIRE_HEAD.fields["regs"][1] + 1  # the byte of v8 to v15


def count_pages(count: int) -> Callable[[bytearray], None]:
    return lambda payload: payload.__setitem__(PAGES_AT, count)


def add_pages(payload: bytearray) -> None:
    payload[PAGES_AT] = 3
    payload += 2 * payload[-XLAT.itemsize :]


def shorten_registers(payload: bytearray) -> None:
    """Half a register is all that is kept of each."""
    at = INSN_HEAD.itemsize + RETIRE_HEAD.fields["reg_bytes"][1]
    payload[at] //= 2
    first = INSN_HEAD.itemsize + RETIRE_HEAD.itemsize
    del payload[first : first + payload[REGS_AT].bit_count() * payload[at]]


# name: how to edit, what is said, and whether the event can be decoded
CRAFTED: dict[str, tuple[Callable[[bytearray], None], str, bool]] = {
    "a page too many": (count_pages(2), "damaged", False),
    "pages before the beginning": (count_pages(255), "damaged", False),
    "a page too few": (count_pages(0), "damaged", False),
    "three pages": (add_pages, "damaged", True),
    "short registers": (shorten_registers, "does not have 16 bytes", True),
    "cut": (lambda payload: payload.__delitem__(slice(1, None)), "damaged", False),
}


@pytest.mark.parametrize("name", CRAFTED)
def test_a_trace_that_cannot_be_is_no_fault_of_the_rtl(name: str, tmp_path: Path) -> None:
    """The checksum is right, so it cannot tell."""
    edit, message, decodes = CRAFTED[name]
    trace = crafted(tmp_path / "crafted.trace", edit)
    with pytest.raises(TraceError, match=message):
        replay(trace, sim="verilator", out_dir=tmp_path / "run")
    if not decodes:
        with pytest.raises(TraceError, match="damaged"):
            list(TraceReader(trace))


def test_pages_are_not_looked_for_ahead_of_the_trace(tmp_path: Path) -> None:
    """An instruction of one byte; where it would count its pages, the next event says two."""
    store = bytearray(30)
    store[PAGES_AT - 1 - FRAME.size] = 2
    trace = framed(tmp_path / "crafted.trace", [(KIND["insn"], bytearray(1)), (KIND["store"], store)])
    with pytest.raises(TraceError, match="damaged"):
        replay(trace, sim="verilator", out_dir=tmp_path / "run")


def test_the_right_value_in_the_wrong_register_is_caught(sim: str, tmp_path: Path) -> None:
    events = script("fault").events[:]
    index, retire = retires(events, lambda r: list(r.vregs) == [8])[-1]
    events[index] = falsified(events[index], retire._replace(vregs={9: retire.vregs[8]}))
    mismatch = replay_events(events, tmp_path, sim)
    assert mismatch.index == index
    assert [d.field for d in mismatch.differences] == ["v8", "v9"]


def test_two_swapped_instructions_are_caught_at_the_first(sim: str, tmp_path: Path) -> None:
    events = copy.deepcopy(script("vset").events)
    events[2], events[3] = events[3], events[2]
    mismatch = replay_events(events, tmp_path, sim)
    assert mismatch.index == 2
    assert [d.field for d in mismatch.differences] == ["vl", "vtype"]


@pytest.mark.parametrize("field", ["v17", "vcsr"])
def test_a_false_checkpoint_is_caught(field: str, sim: str, tmp_path: Path) -> None:
    events = copy.deepcopy(script("context").events)
    index = max(i for i, event in enumerate(events) if isinstance(event, Checkpoint))
    event = events[index]
    assert isinstance(event, Checkpoint)
    if field == "vcsr":
        event.state = event.state._replace(vcsr=event.state.vcsr ^ 1)
    else:
        event.state = event.state._replace(vregs=dict(event.state.vregs) | {17: bytes(16)})
    mismatch = replay_events(events, tmp_path, sim)
    assert (mismatch.index, mismatch.kind) == (index, "checkpoint")
    assert [d.field for d in mismatch.differences] == [field]


def test_ram_is_compared_at_the_end(tmp_path: Path) -> None:
    """A memory that drops a bit of what it is given, and is never asked for it: the records cannot tell, RAM does."""
    design = edited(ordinary(), {"vctx_tb_ram.sv": ("mem[idx] = data;", "mem[idx] = data & ~64'd1;")}, tmp_path / "hdl")
    s = Script()
    s.store(RAM_BASE + 0x123, b"\x42\x43\x44\x45\x46\x47\x48\x49\x4a\x4b\x4c\x4d\x4e")
    result = replay_on(design, s.write(tmp_path / "ram.trace"), tmp_path / "run")
    assert result.mismatch is not None
    assert (result.mismatch.index, result.mismatch.kind) == (1, "ram")
    assert [(d.field, d.expected, d.observed) for d in result.mismatch.differences] == [
        ("ram[0x80000128]", "0x47", "0x46")
    ]


# Bugs that real designs had, in our RTL: file, operator, its replacement, script and field that must show it.
MUTANTS = {
    "vill_bit_of_vsetvl_dropped": ("vctx_vset.sv", "request[63:8]", "request[62:8]", "vset", "vl"),
    "avl_not_clipped": ("vctx_vset.sv", "avl > 64'(vlmax)", "avl < 64'(vlmax)", "vset", "rd"),
    "sd_without_vs": ("vctx_status.sv", "fs_dirty_i || (mstatus_vs_q == VsDirty)", "fs_dirty_i", "csr", "rd"),
    "vsstatus_not_dirtied": (
        "vctx_status.sv",
        "if (dirty_i && dirty_virt_i)",
        "if (1'b0)",
        "csr",
        "vsstatus_vs",
    ),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_a_bug_in_the_rtl_is_caught(name: str, tmp_path: Path) -> None:
    file, old, new, script_name, field = MUTANTS[name]
    rtl = tmp_path / "rtl"
    shutil.copytree(RTL, rtl)
    text = (rtl / file).read_text()
    assert text.count(old) >= 1, f"{file} has no {old!r}"
    (rtl / file).write_text(text.replace(old, new, 1))
    trace = script(script_name).write(tmp_path / "t.trace")
    result = replay(trace, sim="icarus", out_dir=tmp_path / "run", rtl=rtl, build_root=tmp_path / "build")
    assert result.mismatch is not None
    assert field in [d.field for d in result.mismatch.differences]


@pytest.mark.parametrize("step", [False, True])
def test_rows_that_change_places_show_though_neither_was_written(step: bool, tmp_path: Path) -> None:
    """Verilator would give all rows one value; what two of them exchange would change nothing."""
    rtl = tmp_path / "rtl"
    shutil.copytree(RTL, rtl)
    file, write = rtl / "vctx_regfile.sv", "      if (wbe == 8'hFF) begin"
    text = file.read_text()
    assert text.count(write) == 1
    swap = "mem[Rows-1] <= mem[Rows-2]; mem[Rows-2] <= mem[Rows-1];"
    file.write_text(text.replace(write, f"      if (wbe != 8'h00) begin {swap} end\n{write}"))
    trace = script("memory").write(tmp_path / "t.trace")
    result = replay(trace, sim="verilator", out_dir=tmp_path / "run", rtl=rtl, build_root=tmp_path / "build", step=step)
    assert result.mismatch is not None
    assert "v31" in [d.field for d in result.mismatch.differences]


# Number in vctx_saboteur.sv, script that provokes it, text of the protocol error that it must raise.
SABOTAGES = {
    "read_crosses_4k": (1, "memory", ERRORS[0]),
    "write_crosses_4k": (2, "memory", ERRORS[1]),
    "read_size": (3, "memory", ERRORS[2]),
    "write_burst_type": (4, "memory", ERRORS[3]),
    "read_address_moves": (5, "memory", ERRORS[4]),
    "write_address_moves": (6, "memory", ERRORS[5]),
    "write_data_moves": (7, "memory", ERRORS[6]),
    "no_wlast": (8, "memory", ERRORS[7]),
    "strobe_below_start": (10, "memory", ERRORS[9]),
    "read_untranslated": (11, "memory", ERRORS[10]),
    "write_untranslated": (12, "memory", ERRORS[11]),
    "retires_early": (13, "memory", ERRORS[12]),
    "unknown_arvalid": (14, "csr", ERRORS[13]),
    "translates_other_page": (15, "memory", ERRORS[14]),
    "translation_moves": (16, "memory", ERRORS[15]),
    "retires_unasked": (17, "csr", ERRORS[16]),
    "hangs": (18, "csr", ERRORS[17]),
    "reads_outside_ram": (19, "memory", ERRORS[18]),
    "writes_outside_ram": (26, "memory", ERRORS[18]),
    "floods_the_bus": (21, "csr", ERRORS[19]),
    "reads_unasked": (20, "csr", ERRORS[20]),
    "shows_what_it_does_not_store": (25, "memory", ERRORS[21]),
}
SLOW = Latency(cycles=5, stall=150, xlat=3)  # so that everything on offer has to wait


def sabotage(number: int, name: str, tmp_path: Path, *, batch: bool = False) -> list[tuple[str, str]]:
    """Return (field, observed) of the differences that a sabotage causes."""
    design = sabotaged(ordinary(batch=batch), tmp_path / "hdl")
    trace = script(name).write(tmp_path / "t.trace")
    result = replay_on(design, trace, tmp_path / "run", latency=SLOW, plusargs=(f"+sabotage={number}",))
    if result.mismatch is None:
        return []
    return [(d.field, d.observed) for d in result.mismatch.differences]


@pytest.mark.parametrize("batch", [False, True], ids=["step", "batch"])
def test_the_saboteur_alone_is_harmless(batch: bool, tmp_path: Path) -> None:
    assert sabotage(0, "bus", tmp_path, batch=batch) == []


@pytest.mark.parametrize("batch", [False, True], ids=["step", "batch"])
@pytest.mark.parametrize("name", SABOTAGES)
def test_a_broken_protocol_is_caught(name: str, batch: bool, tmp_path: Path) -> None:
    number, script_name, text = SABOTAGES[name]
    if batch and name == "floods_the_bus":
        text = ERRORS[10]  # a file is a log without an end
    assert ("protocol", text) in sabotage(number, script_name, tmp_path, batch=batch)


def test_every_protocol_error_has_a_sabotage() -> None:
    """Write data without an address needs a memory that takes it; see the next test."""
    assert {text for _, _, text in SABOTAGES.values()} | {ERRORS[8]} == set(ERRORS)


def test_write_data_without_an_address_is_caught(tmp_path: Path) -> None:
    s = Script()
    memory_script(s)
    trace = write_trace(tmp_path / "t.trace", s.events, harts=1)
    design = sabotaged(with_axi_pins(), tmp_path / "hdl")
    result = replay_on(design, trace, tmp_path / "run", plusargs=("+sabotage=9",))
    assert result.mismatch is not None
    assert ("protocol", ERRORS[8]) in [(d.field, d.observed) for d in result.mismatch.differences]


def test_a_register_that_is_written_but_not_reported_is_caught(tmp_path: Path) -> None:
    """retire_vd_mask_o is not trusted: the storage is compared."""
    design = sabotaged(ordinary(), tmp_path / "hdl")
    s = Script()
    s.on()
    s.store(RAM_BASE, pattern(1, 16))
    s.vsetvli(16, 0xC0, 16)
    s.insn("vle8.v", {"vd": 8, "rs1": 10, "vm": 1}, rs1=RAM_BASE, xlat=identity(RAM_BASE, 16))  # expects no write
    trace = s.write(tmp_path / "t.trace")
    result = replay_on(design, trace, tmp_path / "run", plusargs=("+sabotage=22",))
    assert result.mismatch is not None
    assert [d.field for d in result.mismatch.differences] == ["v8"]


@pytest.mark.parametrize("step", [False, True], ids=["batch", "step"])
def test_a_page_that_is_missing_among_many_is_asked_for_in_vain(step: bool, tmp_path: Path) -> None:
    events = script("stride").events
    at = next(i for i, event in enumerate(events) if isinstance(event, Insn) and len(event.issue.xlat) == 16)
    event = events[at]
    assert isinstance(event, Insn)
    pages = event.issue.xlat
    event.issue = event.issue._replace(xlat=(*pages[:6], *pages[7:]))
    trace = write_trace(tmp_path / "t.trace", events)
    result = replay(trace, sim="icarus", out_dir=tmp_path / "run", step=step)
    assert result.mismatch is not None and result.mismatch.index == at
    seen = [(d.field, d.observed) for d in result.mismatch.differences]
    assert ("protocol", "translation requested for a page that the instruction does not touch") in seen


@pytest.mark.parametrize("batch", [False, True], ids=["step", "batch"])
def test_a_register_that_is_reported_but_not_written_is_caught(batch: bool, tmp_path: Path) -> None:
    assert [field for field, _ in sabotage(23, "vset", tmp_path, batch=batch)] == ["v31"]


@pytest.mark.parametrize("batch", [False, True], ids=["step", "batch"])
def test_an_unknown_result_is_named_and_not_resolved(batch: bool, tmp_path: Path) -> None:
    assert sabotage(24, "csr", tmp_path, batch=batch) == [("rd", "0x" + "X" * 16)]


UNKNOWN_REGISTER = {
    "v8": ("vle8.v", {"vd": 8, "rs1": 10, "vm": 1}, {"vregs": {8: pattern(1, 4) + bytes(12)}}),
    "rd": ("vmv.x.s", {"rd": 5, "vs2": 8}, {"rd": 0, "mstatus_vs": DIRTY}),
    "mem[0x80000000]": ("vse8.v", {"vs3": 8, "rs1": 10, "vm": 1}, {"mem": dict(enumerate(bytes(4), RAM_BASE))}),
}


@pytest.mark.parametrize("field", UNKNOWN_REGISTER)
def test_a_register_that_was_never_written_is_unknown(field: str, tmp_path: Path) -> None:
    """Icarus starts it as X; a value that depends on it fails by name, in the tail of a load as well."""
    mnemonic, operands, effects = UNKNOWN_REGISTER[field]
    s = Script()
    s.on()
    s.store(RAM_BASE, pattern(1, 4))
    s.vsetvli(4, 0xC0, 4)
    xlat = identity(RAM_BASE, 4) if "rs1" in operands else ()
    s.insn(mnemonic, operands, rs1=RAM_BASE, xlat=xlat, **effects)
    mismatch = replay_events(s.events, tmp_path, "icarus")
    first = mismatch.differences[0]
    assert first.field == field
    assert "X" in first.observed and "X" not in first.expected
    if field == "v8":
        assert first.observed == "X" * 24 + "160f0801"


def test_an_unknown_register_is_caught_at_a_checkpoint(tmp_path: Path) -> None:
    s = Script()
    s.on()
    state = Retire(mstatus_vs=1, vregs={reg: bytes(16) for reg in range(32)})
    mismatch = replay_events([*s.events, Checkpoint(0, state)], tmp_path, "icarus")
    assert [(d.field, set(d.observed)) for d in mismatch.differences] == [(f"v{i}", {"X"}) for i in range(32)]
