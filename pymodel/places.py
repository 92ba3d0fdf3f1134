# SPDX-License-Identifier: Apache-2.0
"""Where the parts of the project lie, which version they are, and where everything generated goes."""

from __future__ import annotations

import importlib.metadata
import os
from functools import cache
from pathlib import Path

from vctx.pymodel.errors import UsageError

ROOT = Path(__file__).resolve().parent.parent  # of a checkout, or of the installed package
INSTALLED = not (ROOT / "pyproject.toml").exists()  # a copy that pip made, without Makefile and tests
RTL = ROOT / "rtl"
HDL = ROOT / "tb" / "hdl"
SW = ROOT / "sw"
DOCS = ROOT / "docs"

OUT_VARIABLE = "VCTX_OUT"  # the environment variable that names another folder for everything generated
CACHE_VARIABLE = (
    "VCTX_CACHE"  # the one that names another folder for builds, which runs with folders of their own share
)


@cache
def own_version() -> str:
    """Return the version of this vctx."""
    return importlib.metadata.version("vctx")


def default_out() -> Path:
    """Return where everything generated goes by default: sim_build of the checkout, else of the present directory."""
    return (Path.cwd() if INSTALLED else ROOT) / "sim_build"


def out_root() -> Path:
    """Return the folder of results, builds and downloads: what VCTX_OUT names, or the default.

    Asked for at every use, so that all processes of a run, which inherit the variable, have the same one.
    """
    named = os.environ.get(OUT_VARIABLE)
    return Path(named).absolute() if named else default_out()


def build_root() -> Path:
    """Return the folder of builds of simulations, programs and Spike's shim: what VCTX_CACHE names, or `out_root()`."""
    named = os.environ.get(CACHE_VARIABLE)
    return Path(named).absolute() if named else out_root()


def use_out(folder: Path) -> None:
    """Let everything generated go to `folder`, of this process and of those that it starts.

    Raises:
        UsageError: there is something of that name that is no folder.
    """
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"--out {folder}: must be a folder, or a name for a new one")
    os.environ[OUT_VARIABLE] = str(folder.absolute())
