# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from package_env import Installed, copy_checkout, pip

from vctx.tb.process.folders import locked


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The wheel of this checkout in an environment of its own, made once for all parallel test processes.

    What vctx depends on is not installed again: that environment sees the packages of this one, but not the checkout,
    which only this one's .pth files know.
    """
    own = tmp_path_factory.getbasetemp()
    shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    made, wheels = shared / "environment", shared / "wheels"
    with locked(shared / "environment.lock"):
        if not wheels.exists():
            copy = copy_checkout(shared / "checkout")
            built = shared / "built"
            pip(sys.executable, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", built, copy)
            shutil.rmtree(copy)
            subprocess.run([sys.executable, "-m", "venv", made], check=True)
            site = sysconfig.get_path("purelib", vars={"base": str(made), "platbase": str(made)})
            Path(site, "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
            pip(made / "bin" / "python", "install", "--no-deps", "--no-index", *built.glob("*.whl"))
            built.rename(wheels)
    (wheel,) = wheels.glob("*.whl")
    return Installed(made, wheel)
