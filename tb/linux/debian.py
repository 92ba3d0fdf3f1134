# SPDX-License-Identifier: Apache-2.0
"""Debian's kernel for RISC-V: found, verified and downloaded by apt, without touching the system's own apt.

apt is given a folder of its own for everything it keeps, and riscv64 as its architecture; mirror, proxies and other
settings stay the system's. It checks the archive's signature, and the package against the signed index.
"""

from __future__ import annotations

import lzma
import platform
import re
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from vctx.pymodel.errors import ToolError
from vctx.tb.linux.needs import KEYRING
from vctx.tb.process.folders import locked

SUITE = "trixie"
"""The first Debian release for riscv64."""
PACKAGE = "linux-image-riscv64"

_TAIL = 12  # lines of a tool's output that an error shows
_VMLINUX = re.compile(r"\./boot/vmlinu[xz]-(?P<release>.+)")
_MODULE = re.compile(r"\./(usr/)?lib/modules/.+/kvm\.ko(\.xz)?")


@dataclass(frozen=True)
class LinuxKernel:
    """A kernel image that QEMU can start, and the module for it."""

    release: str
    vmlinux: Path
    module: Path


def linux_kernel(cache: Path) -> LinuxKernel:
    """Return Debian's kernel, downloaded into `cache` unless it is there already.

    Raises:
        ToolError: apt fails, or the package is not as expected.
    """
    with locked(cache.with_suffix(".lock")):
        if not (cache / "release").exists():
            _fetch(cache)
    return LinuxKernel((cache / "release").read_text().strip(), cache / "vmlinux", cache / "kvm.ko")


def _fetch(cache: Path) -> None:
    root = cache / "apt"
    for folder in ("lists/partial", "cache/archives/partial"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    (root / "status").touch()
    (root / "sources.list").write_text(f"deb [signed-by={KEYRING}] {_mirror()} {SUITE} main\n")
    settings = {
        "APT::Architecture": "riscv64",
        "APT::Architectures": "riscv64",
        "APT::Sandbox::User": "root",  # the folder need not be open to apt's own user
        "APT::Update::Error-Mode": "any",
        "Dir::State::lists": f"{root}/lists",
        "Dir::State::status": f"{root}/status",
        "Dir::Cache": f"{root}/cache",
        "Dir::Etc::sourcelist": f"{root}/sources.list",
        "Dir::Etc::sourceparts": "/dev/null",
    }
    options = [f"--option={name}={value}" for name, value in settings.items()]
    _run("apt-get", *options, "update")
    shown = _run("apt-cache", *options, "show", "--no-all-versions", PACKAGE)
    _run("apt-get", *options, "download", image_package(shown), cwd=root)
    debs = list(root.glob("*.deb"))
    if len(debs) != 1:
        raise ToolError(f"apt-get was to download one package, and {root} has {len(debs)}")
    unpack(debs[0], cache)
    debs[0].unlink()


def _mirror() -> str:
    return mirror(_run("apt-get", "--print-uris", "update"), platform.freedesktop_os_release()["VERSION_CODENAME"])


def mirror(uris: str, codename: str) -> str:
    """Return where the system gets its release from, out of the output of `apt-get --print-uris update`.

    Raises:
        ToolError: it is not there.
    """
    found = re.search(rf"^'(.+)/dists/{re.escape(codename)}/InRelease'", uris, re.MULTILINE)
    if found is None:
        raise ToolError(f"apt has no source for {codename}, so the mirror to get {PACKAGE} from is not known")
    return found[1]


def image_package(shown: str) -> str:
    """Return the package with the kernel, out of what `apt-cache show` says of the one that depends on the newest.

    Raises:
        ToolError: there is none.
    """
    found = re.search(r"^Depends:.*?(linux-image-[^ ,]+)", shown, re.MULTILINE)
    if found is None:
        raise ToolError(f"{PACKAGE} of {SUITE} depends on no kernel")
    return found[1]


def unpack(package: Path, folder: Path) -> None:
    """Write vmlinux, kvm.ko and release, what `uname -r` will say, out of a package.

    Raises:
        ToolError: the package is damaged or does not hold them.
    """
    release = module = False
    command = ["dpkg-deb", "--fsys-tarfile", str(package)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stderr is not None
        try:
            with tarfile.open(fileobj=process.stdout, mode="r|") as archive:
                for member in archive:
                    file = archive.extractfile(member) if member.isfile() else None
                    if file is None:
                        continue
                    if image := _VMLINUX.fullmatch(member.name):
                        (folder / "vmlinux").write_bytes(file.read())
                        text, release = image["release"], True
                    elif _MODULE.fullmatch(member.name):
                        (folder / "kvm.ko").write_bytes(_decompressed(file, member.name))
                        module = True
        except tarfile.TarError as error:
            process.kill()
            said = process.stderr.read().decode(errors="replace").strip()
            raise ToolError(f"cannot unpack {package.name}: {said or error}") from error
    if not (release and module):
        raise ToolError(f"{package.name} has no {'kvm.ko' if release else 'kernel image'}")
    (folder / "release").write_text(text + "\n")


def _decompressed(file: IO[bytes], name: str) -> bytes:
    return lzma.decompress(file.read()) if name.endswith(".xz") else file.read()


def _run(*command: str, cwd: Path | None = None) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode:
        said = "\n".join((done.stdout + done.stderr).strip().splitlines()[-_TAIL:])
        raise ToolError(f"{command[0]} {command[-1]} failed, so there is no Linux for riscv64:\n{said}")
    return done.stdout
