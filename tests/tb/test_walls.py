# SPDX-License-Identifier: Apache-2.0
"""The walls between rooms, which `make lint` checks: an import through one is found, and there is no circle at all."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).resolve().parents[2]
LONGEST = 600  # lines of a file

CIRCLE = "nothing imports in a circle"
FORBIDDEN = {
    ("pymodel/trace/file.py", "from vctx.tb import knobs"): "pymodel knows no testbench and no simulator",
    ("pymodel/isa/hart.py", "import cocotb"): "pymodel knows no testbench and no simulator",
    ("pymodel/isa/bits.py", "from vctx.pymodel.kvm import abi"): "isa, trace, fuzz and corelog know no hypervisor",
    ("pymodel/trace/bulk.py", "from vctx.pymodel.isa import vtype"): "the golden model imports downward",
    ("pymodel/isa/csr.py", "from vctx.pymodel.isa import trap"): "what a hart is knows nothing that executes on it",
    ("pymodel/kvm/state.py", "from vctx.pymodel.kvm import kmode"): "what the kernel knows does nothing",
    ("tb/process/files.py", "from vctx.tb.simulators import find"): "the rooms of the testbench import downward",
    ("tb/linux/boot.py", "from vctx.tb.jobs import audit"): "the rooms of the testbench import downward",
    ("tb/replay/batch/files.py", "from vctx.tb.replay.step import drivers"): "replay imports downward",
    ("pymodel/isa/latitude.py", "def f():\n    from vctx.pymodel.isa import vtype"): CIRCLE,
    ("tb/spike/oracle.py", "if TYPE_CHECKING:\n    from vctx.tb.spike import judge"): CIRCLE,
}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of everything that the linter looks at."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    package = tmp_path / "src" / "vctx"
    package.mkdir(parents=True)
    shutil.copy(ROOT / "src" / "vctx" / "__init__.py", package)
    for name in ("pymodel", "tb"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", "hdl"))
        (package / name).symlink_to(f"../../{name}")
    return tmp_path


def lint(checkout: Path) -> tuple[int, set[str]]:
    """Return the linter's exit code, and the contracts that it found broken."""
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache", "--no-logo", "../pyproject.toml"]
    done = subprocess.run(command, cwd=checkout / "src", capture_output=True, text=True, check=False, timeout=120)
    assert "Contracts: " in done.stdout, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    return done.returncode, {line.removesuffix(" BROKEN") for line in lines if line.endswith(" BROKEN")}


def test_nothing_goes_through_a_wall(checkout: Path) -> None:
    assert lint(checkout) == (0, set())


@pytest.mark.parametrize(("place", "contract"), FORBIDDEN.items(), ids=[path for path, _ in FORBIDDEN])
def test_an_import_through_a_wall_is_found(checkout: Path, place: tuple[str, str], contract: str) -> None:
    path, line = place
    with (checkout / path).open("a") as file:
        file.write(f"\n\n{line}\n")
    code, broken = lint(checkout)
    assert code == 1 and contract in broken


def test_a_new_room_must_be_given_its_place(checkout: Path) -> None:
    (checkout / "tb" / "attic.py").write_text('"""Nobody said where this is."""\n')
    assert lint(checkout)[0] == 1


def circle(graph: grimp.ImportGraph) -> list[str]:
    """Return modules, packages' own files included, of which each imports the one ahead of it; none if none do."""
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_no_module_imports_itself_by_way_of_others() -> None:
    graph = grimp.build_graph("vctx", cache_dir=None)
    assert len(graph.modules) > 200  # through the links below src
    assert circle(graph) == []
    graph.add_import(importer="vctx.pymodel.isa.bits", imported="vctx.pymodel.isa")  # which a layer does not show
    assert "vctx.pymodel.isa.bits" in circle(graph)


def drawn_in_order(picture: str, layers: list[str]) -> bool:
    """Tell whether each layer stands below the one ahead of it, by the words of its contract."""
    lines = [" ".join(line.split()) for line in picture.splitlines()]
    at = [next((n for n, line in enumerate(lines) if f" {layer} " in f" {line}"), -1) for layer in layers]
    return -1 not in at and at == sorted(at)


def test_the_picture_shows_the_rooms_as_they_are() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract.get("containers") == ["vctx.tb"])
    picture = (ROOT / "docs" / "architecture.md").read_text().partition("## The rooms\n")[2].partition("\n## ")[0]
    assert drawn_in_order(picture, layers)
    assert not drawn_in_order(picture, [*layers[1:], layers[0]])
    assert not drawn_in_order(picture, [*layers, "attic"])


def too_long(sources: list[Path]) -> list[Path]:
    return [path for path in sources if len(path.read_text().splitlines()) > LONGEST]


def test_no_file_is_too_long(tmp_path: Path) -> None:
    files = [path for name in ("pymodel", "tb", "tests", "rtl", "sw") for path in (ROOT / name).rglob("*.*")]
    sources = [path for path in files if path.suffix in (".py", ".sv", ".svh", ".v", ".cpp", ".c", ".h", ".S")]
    assert len(sources) > 250
    assert too_long(sources) == []
    long = tmp_path / "long.py"
    long.write_text("pass\n" * (LONGEST + 1))
    assert too_long([long]) == [long]
