# SPDX-License-Identifier: Apache-2.0
"""The system tools that booting a real Linux takes, and the Debian packages they are in."""

from __future__ import annotations

import platform
import shutil
from pathlib import Path

from vctx.pymodel.errors import ToolError, UsageError

QEMU = "qemu-system-riscv64"
FIRMWARE = Path("/usr/lib/riscv64-linux-gnu/opensbi/generic/fw_dynamic.bin")
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")


def _emulators_package() -> str:
    try:
        codename = platform.freedesktop_os_release().get("VERSION_CODENAME")
    except OSError:
        codename = None
    return "qemu-system-misc" if codename == "bookworm" else "qemu-system-riscv"  # Debian 13 split it


def packages() -> dict[str, str]:
    """Return the package of each thing that is needed; what starts with / is a file, the others are commands."""
    return {
        QEMU: _emulators_package(),
        str(FIRMWARE): "opensbi",
        "apt-get": "apt",
        "gpgv": "gpgv",
        "dpkg-deb": "dpkg",
        str(KEYRING): "debian-archive-keyring",
    }


def present(thing: str) -> bool:
    """Return whether a command or file of :func:`packages` is there."""
    return Path(thing).exists() if thing.startswith("/") else shutil.which(thing) is not None


def require(qemu: str = QEMU) -> None:
    """Raise ToolError, with the command that gets it, if anything is missing; UsageError if another emulator is."""
    needed = packages()
    if qemu != QEMU:
        if shutil.which(qemu) is None:
            raise UsageError(f"QEMU={qemu}: there is no such command")
        needed.pop(QEMU, None)
    _require("linux-kvm", needed)


def require_to_fetch() -> None:
    """Raise ToolError, with the command that gets it, if something is missing that gets a kernel and its firmware."""
    without = (QEMU, str(FIRMWARE))
    _require("linux", {thing: package for thing, package in packages().items() if thing not in without})


def _require(command: str, needed: dict[str, str]) -> None:
    missing = {thing: package for thing, package in needed.items() if not present(thing)}
    if missing:
        raise ToolError(
            f"{command} needs {', '.join(missing)}: "
            f"sudo apt-get install --no-install-recommends {' '.join(dict.fromkeys(missing.values()))}"
        )
