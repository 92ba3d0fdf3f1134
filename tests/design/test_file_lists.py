# SPDX-License-Identifier: Apache-2.0
"""File lists of a team's own status registers: what is understood, what is refused, and what a build depends on."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from vctx.pymodel.errors import UsageError
from vctx.pymodel.places import ROOT, RTL
from vctx.tb.options import own_status
from vctx.tb.replay.launch import replay_design
from vctx.tb.simulators.build import _hash, build
from vctx.tb.simulators.design import OWN_STATUS
from vctx.tb.simulators.filelist import OwnStatus, read_file_list
from vctx.tb.simulators.find import simulator

EXAMPLE = ROOT / "examples" / "own_status"


def _lay(folder: Path, **files: str) -> Path:
    """Write files, `__` for a slash and `_f` at the end for .f in their names, and return the list of them."""
    for name, text in files.items():
        path = folder / re.sub(r"_(f|sv|svh)$", r".\1", name).replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder / "all.f"


def test_what_a_list_may_have(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCES", "src")
    path = _lay(
        tmp_path,
        all_f="# a comment\n// another\n\n+define+A+B=2  +incdir+inc\n-f sub/more.f  // behind it\n${SOURCES}/top.sv\n",
        sub__more_f="-F deeper.f\n../src/pkg.sv\n",
        sub__deeper_f="+define+A\nleaf.sv\n",
        sub__leaf_sv="",
        src__pkg_sv="",
        src__top_sv='// module no;\n/* module nor_this;\n*/ module automatic top (); `include "all.svh"\nendmodule\n',
        inc__all_svh='`include "missing.svh"\n  `include "more.svh"\n',
        inc__more_svh="",
    )
    files = read_file_list(path)
    assert [each.name for each in files.sources] == ["leaf.sv", "pkg.sv", "top.sv"]
    assert (files.defines, files.includes) == (("A", "B=2"), (tmp_path / "inc",))
    assert files.modules() == {"top"}
    assert files.headers() == ()  # the directive is not at the beginning of its line
    (tmp_path / "src" / "top.sv").write_text('module top;\n  `include "all.svh"\nendmodule\n')
    assert [each.name for each in read_file_list(path).headers()] == ["all.svh", "more.svh"]


BAD = {
    "missing file": ("a.sv\nnot_there.sv\n", r"all\.f:2: no file .*/not_there\.sv"),
    "missing folder": ("+incdir+nowhere\n", r"all\.f:1: no folder .*/nowhere"),
    "missing list": ("-f nothing.f\n", r"all\.f:1: no file .*/nothing\.f"),
    "list without a name": ("a.sv -f\n", r"all\.f:1: -f: which list"),
    "unknown option": ("\n-y lib\n", r"all\.f:2: '-y': a file list may have files, \+incdir"),
    "unknown plusarg": ("+libext+.v\n", r"all\.f:1: '\+libext\+\.v': a file list may have"),
    "unknown variable": ("$VCTX_NO_SUCH/a.sv\n", r"all\.f:1: .*no variable VCTX_NO_SUCH"),
    "itself": ("-f all.f\n", r"all\.f: names .*all\.f, which names it in turn"),
    "nothing": ("# nothing\n", r"all\.f: names no files"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_list_is_refused_with_its_line(name: str, tmp_path: Path) -> None:
    text, message = BAD[name]
    path = _lay(tmp_path, all_f=text, a_sv="module a; endmodule\n")
    with pytest.raises(UsageError, match=message) as error:
        read_file_list(path)
    assert error.value.exit_code == 2


def test_bad_options_are_refused(tmp_path: Path) -> None:
    path = EXAMPLE / "files.f"
    assert own_status(None, None) is None
    with pytest.raises(UsageError, match="--top x: of which --design"):
        own_status(None, "x")
    with pytest.raises(UsageError, match="which module of it"):
        own_status(path, None)
    with pytest.raises(UsageError, match=r"--top own_state: none of the files of .* did you mean own_status"):
        own_status(path, "own_state")
    with pytest.raises(UsageError, match="No such file"):
        own_status(tmp_path / "none.f", "x")
    with pytest.raises(UsageError, match="recorded on a hart without vectors"):
        replay_design(128, 64, 1, has_v=False, status=own_status(path, "own_status"))


def test_what_does_not_compile_is_bad_input(tmp_path: Path) -> None:
    """A module without a port of the boundary, and one that is no Verilog."""
    for text, word in (
        ("module own (input logic clk_i); endmodule\n", "port ``dirty_i"),
        ("module own; ? endmodule\n", "syntax"),
    ):
        status = OwnStatus.read(_lay(tmp_path, all_f="own.sv\n", own_sv=text), "own")
        design = replay_design(128, 64, 1, status=status, batch=True)
        with pytest.raises(UsageError, match=rf"(?s)all\.f: icarus cannot build .*{word}"):
            build(simulator("icarus"), design, tmp_path / "build")


def test_a_build_depends_on_all_that_goes_into_it(tmp_path: Path) -> None:
    """Sources, included files and defines; and another folder with the same is another folder for `include."""
    path = _lay(tmp_path, all_f="+incdir+.\nown.sv\n", own_sv='`include "own.svh"\nmodule own; endmodule\n', own_svh="")
    tool = simulator("icarus")

    def hashed() -> str:
        return _hash(tool, replay_design(128, 64, 1, status=OwnStatus.read(path, "own"), batch=True))

    seen = [hashed()]
    assert seen == [hashed()]
    for name, text in (("own.svh", "// more"), ("own.sv", "module own; endmodule"), ("all.f", "+define+X\nown.sv")):
        (tmp_path / name).write_text(text)
        seen.append(hashed())
    assert len(set(seen)) == 4
    assert _hash(tool, replay_design(128, 64, 1, batch=True)) not in seen


def _ports(path: Path) -> list[str]:
    body = path.read_text().partition(") (\n")[2].partition("\n);")[0]
    return [" ".join(line.partition("//")[0].split()) for line in body.splitlines() if line.partition("//")[0].strip()]


def test_the_boundary_is_that_of_the_block() -> None:
    ports = _ports(RTL / "vctx_status.sv")
    assert len(ports) == 19
    assert _ports(OWN_STATUS) == ports
    rows = re.findall(r"^\| `(\w+_[io])`", (ROOT / "docs" / "rtl.md").read_text(), re.MULTILINE)
    named = [re.sub(r".*?(\w+),?$", r"\1", port) for port in ports]
    assert rows == [name for name in named if name not in ("clk_i", "rst_ni")]
