# SPDX-License-Identifier: Apache-2.0
"""The wheel, installed: all of `vctx` works without a checkout, beside a user's own folders of the same names."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import zipfile
from pathlib import Path

import pytest
from package_env import Installed, environment

from vctx.pymodel.places import ROOT

DATA = ("rtl", "sw", "tb/hdl", "docs")
SMALL = ("--sim", "icarus", "--vlen", "128", "--pairs", "4", "--entries", "20")


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A user's folder, with modules that must not be taken for ours."""
    folder = tmp_path / "own work"
    for name in ("tb", "pymodel", "rtl", "sw"):
        (folder / name).mkdir(parents=True)
        (folder / name / "__init__.py").write_text(f"raise ImportError('this is the user own {name}')\n")
    return folder


def run(command: list[str | Path] | str, here: Path, **env: str) -> subprocess.CompletedProcess[str]:
    words = shlex.split(command) if isinstance(command, str) else [str(word) for word in command]
    # As a shell whose environment is not activated; the user's folders come before everything that is installed.
    env = environment(PYTHONPATH=str(here), **env)
    return subprocess.run(words, cwd=here, env=env, capture_output=True, text=True, timeout=400, check=False)


def agreed(command: list[str | Path] | str, here: Path, **env: str) -> str:
    done = run(command, here, **env)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def line(output: str, start: str) -> str:
    return next(line for line in output.splitlines() if line.startswith(start)).removeprefix(start).strip()


def test_the_wheel_has_every_file(installed: Installed) -> None:
    packed = {name for name in zipfile.ZipFile(installed.wheel).namelist() if ".dist-info/" not in name}
    sources = {
        f"vctx/{path.relative_to(ROOT).as_posix()}"
        for folder in ("pymodel", "tb", *DATA)
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    # What only a checkout uses: set-up, and text about a folder for those who look at it.
    left_out = {name for name in sources if name.endswith((".sh", "README.md", "/.gitignore"))}
    assert packed == sources - left_out | {"vctx/__init__.py", "vctx/py.typed"}


def test_it_is_the_installed_copy_that_runs(installed: Installed, here: Path) -> None:
    script = "import vctx.tb.jobs.cosim, vctx.pymodel.places as p; print(p.INSTALLED, p.ROOT, p.out_root(), sep='\\n')"
    flag, root, out = agreed([installed.python, "-c", script], here).splitlines()
    assert flag == "True"
    assert Path(root).is_relative_to(installed.folder) and not Path(root).is_relative_to(ROOT)
    assert out == str(here / "sim_build")


def test_cosim_replay_and_what_repeats_them(installed: Installed, here: Path) -> None:
    out = here.parent / "scratch"
    shown = agreed([installed.vctx, "cosim", *SMALL, "--out", out], here)
    result = Path(line(shown, "result: ").split()[0])
    assert result.is_relative_to(out) and json.loads(result.read_text())["ok"]
    before = result.stat().st_mtime_ns
    repeat = line(shown, "repeat: ")
    assert shlex.split(repeat)[0] == str(installed.vctx) and f"--out {out}" in repeat
    agreed(repeat, here)
    assert result.stat().st_mtime_ns > before
    trace = result.with_name("trace.vctx")
    assert "agreed" in agreed([installed.vctx, "replay", trace, "--sim", "icarus"], here, VCTX_OUT=str(out))
    assert "agreed" in agreed([installed.vctx, "judge", trace, "--out", out], here)
    assert sorted(path.name for path in here.iterdir()) == ["pymodel", "rtl", "sw", "tb"]


def test_without_out_results_are_in_the_present_folder(installed: Installed, here: Path) -> None:
    """Verilator cannot work below a folder with a blank in its name, so here is another."""
    plain = here.rename(here.with_name("work"))
    path = f"{installed.folder}/bin:/usr/bin:/bin"
    shown = agreed(["vctx", "cosim", *SMALL[2:]], plain, PATH=path)
    assert line(shown, "result: ").startswith("sim_build/cosim/verilator-")
    assert re.match(r"vctx cosim [^/]*$", line(shown, "repeat: "))
    assert "no blanks in the path" in run(["vctx", "cosim", "--out", plain / "a b"], plain, PATH=path).stderr


def test_run_a_program_of_ones_own(installed: Installed, here: Path) -> None:
    """Built with the files that `vctx doctor` names."""
    out = here.parent / "scratch"
    bare = Path(line(agreed([installed.vctx, "doctor", "--out", out], here), "programs "))
    (here / "my.c").write_text("int main(void) { volatile int three = 3; return three; }\n")
    flags = "-target riscv64-freestanding-none -mcpu=generic_rv64+m+a+c+v+h+zicsr+zifencei -mcmodel=medany -mno-relax"
    flags += " -ffreestanding -fno-builtin -fno-slp-vectorize -O2 -nostdlib -static"
    command = [installed.python, "-m", "ziglang", "cc", *flags.split(), f"-Wl,-T,{bare}/link.ld", "-o", "my.elf"]
    agreed([*command, bare / "start.S", "my.c"], here, ZIG_GLOBAL_CACHE_DIR=str(out), ZIG_LOCAL_CACHE_DIR=str(out))
    done = run([installed.vctx, "run", "my.elf", "--sim", "icarus", "--commit-log", "log", "--out", out], here)
    assert done.returncode == 3, done.stdout + done.stderr
    assert "ended with exit code 3" in done.stdout and "instructions on the RTL" in done.stdout
    assert (here / "log").read_text().startswith("core   0: 3 0x0000000080000000")


@pytest.mark.parametrize(
    "command",
    [
        "audit --scenario two-enables --kernel clean --rtl --sim icarus",
        "fuzz --count 300 --vlen 128 --rtl --sim icarus --oracle spike",
        "sweep vset --sim icarus",
    ],
)
def test_other_commands(installed: Installed, here: Path, command: str) -> None:
    out = here.parent / "scratch"
    shown = agreed([installed.vctx, *command.split(), "--out", out], here)
    result = Path(line(shown, "result: ").split()[0])
    assert result.is_relative_to(out) and json.loads(result.read_text())["ok"]
    assert shlex.split(line(shown, "repeat: "))[0] == str(installed.vctx)


def test_doctor_says_what_an_installed_copy_needs(installed: Installed, here: Path) -> None:
    out = here.parent / "scratch"
    shown = agreed([installed.vctx, "doctor"], here, VCTX_OUT=str(out))
    assert not re.search(r"make (setup|test|lint|synth)|^(pytest|verible) ", shown, re.MULTILINE)
    for name in ("verilator", "libpython", "ziglang", "spike", "qemu-system-riscv64"):
        assert re.search(rf"^{name} ", shown, re.MULTILINE)
    assert line(shown, "results ") == str(out)
    script = (
        "import importlib.metadata as m; real = m.version\n"
        "def version(name):\n"
        "    if name in ('ziglang', 'cocotb-bus'): raise m.PackageNotFoundError(name)\n"
        "    return real(name)\n"
        "m.version = version\n"
        "from vctx.tb.cli import main; main()"
    )
    done = run([installed.python, "-c", script, "doctor"], here)
    assert done.returncode == 3
    assert "Verilator cannot work in" in done.stdout and line(done.stdout, "results ") == "sim_build"
    assert "pip install 'ziglang>=0.17'" in done.stdout and "pip install 'cocotb-bus<0.4,>=0.3'" in done.stdout
