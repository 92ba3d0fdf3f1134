# SPDX-License-Identifier: Apache-2.0
"""Debian's kernel for RISC-V and its headers: found, verified and downloaded by apt, without touching the system's own.

apt is given a folder of its own for everything it keeps, and riscv64 as its architecture; mirror, proxies and other
settings stay the system's. It checks the archive's signature, and the package against the signed index.
"""

from __future__ import annotations

import hashlib
import lzma
import platform
import re
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from vctx.pymodel.errors import ToolError, UsageError
from vctx.tb.linux.needs import FIRMWARE, KEYRING
from vctx.tb.process.folders import locked

SUITE = "trixie"
"""The first Debian release for riscv64."""
PACKAGE = "linux-image-riscv64"
FIRMWARE_PACKAGE = "opensbi"

_TAIL = 12  # lines of a tool's output that an error shows
# Newer packages are split, and have the image beside the modules.
_VMLINUX = re.compile(r"\./(boot/vmlinu[xz]-|(usr/)?lib/modules/(?=[^/]+/vmlinu[xz]$))(?P<release>[^/]+)(/vmlinu[xz])?")
_MODULE = re.compile(r"\./(usr/)?lib/modules/.+/kvm\.ko(\.xz)?")

_BANNER = re.compile(rb"Linux version (\S+)")

# What a module needs of the headers: those that all architectures share, and those of this build.
_HEADERS = re.compile(
    r"\./usr/src/linux-headers-[^/]+-(?P<which>common|riscv64)/(?P<name>((arch/riscv/)?include/.+)|Module\.symvers)"
)


@dataclass(frozen=True)
class LinuxKernel:
    """A kernel image that QEMU can start, its KVM module, and its headers, in `common` and `built`, or None."""

    release: str
    vmlinux: Path
    module: Path
    headers: Path | None = None


def linux_kernel(cache: Path) -> LinuxKernel:
    """Return Debian's kernel, downloaded into `cache` unless it is there already.

    Raises:
        ToolError: apt fails, or the package is not as expected.
    """
    with locked(cache.with_suffix(".lock")):
        if not (cache / "release").exists():
            _fetch(cache)
    return _kernel_in(cache)


def given_kernel(packages: Sequence[Path], cache: Path) -> LinuxKernel:
    """Return the kernel of some packages, unpacked into a folder of its own beside `cache` unless that is done already.

    Args:
        packages: those with the image, the modules and the headers, however they are split; headers are not necessary,
            and other packages do no harm.
        cache: see above.

    Raises:
        UsageError: a package is not there.
        ToolError: they are damaged, or hold no kernel or no KVM module.
    """
    for package in packages:
        if not package.is_file():
            raise UsageError(f"KERNEL_DEB={package}: there is no such file")
    state = [(package.name, package.stat().st_size, package.stat().st_mtime_ns) for package in packages]
    folder = cache.with_name(f"{cache.name}-{hashlib.sha256(repr(sorted(state)).encode()).hexdigest()[:12]}")
    with locked(folder.with_suffix(".lock")):
        if not (folder / "release").exists():
            folder.mkdir(parents=True, exist_ok=True)
            unpack(packages, folder)
    return _kernel_in(folder)


def _kernel_in(folder: Path) -> LinuxKernel:
    headers = folder / "headers"
    whole = (headers / "common").is_dir() and (headers / "built" / "Module.symvers").is_file()
    release = (folder / "release").read_text().strip()
    return LinuxKernel(release, folder / "vmlinux", folder / "kvm.ko", headers if whole else None)


def firmware(cache: Path) -> Path:
    """Return OpenSBI (fw_dynamic.bin): the system's, or else that of Debian, downloaded into `cache` if need be.

    Raises:
        ToolError: apt fails, or the package is not as expected.
    """
    if FIRMWARE.exists():
        return FIRMWARE
    found = cache / "fw_dynamic.bin"
    with locked(cache.with_suffix(".lock")):
        if not found.exists():
            options = _apt(cache / "apt")
            _run("apt-get", *options, "download", FIRMWARE_PACKAGE, cwd=cache)
            (package,) = cache.glob(f"{FIRMWARE_PACKAGE}_*.deb")
            with tempfile.TemporaryDirectory(dir=cache) as scratch:
                _run("dpkg-deb", "--extract", str(package), scratch)
                unpacked = Path(scratch) / FIRMWARE.relative_to("/")
                if not unpacked.exists():
                    raise ToolError(f"{package.name} has no {FIRMWARE}")
                shutil.copyfile(unpacked, found)
            package.unlink()
    return found


def own_kernel(image: Path, module: Path) -> LinuxKernel:
    """Return a kernel that somebody built: its image (`arch/riscv/boot/Image`) and its kvm.ko.

    Raises:
        UsageError: a file is not there, or is none.
    """
    for knob, path in (("IMAGE", image), ("MODULE", module)):
        if not path.is_file():
            raise UsageError(f"{knob}={path}: there is no such file")
    found = _BANNER.search(image.read_bytes())
    if found is None:
        raise UsageError(f'IMAGE={image}: must be an uncompressed Linux image; it holds no "Linux version"')
    return LinuxKernel(found[1].decode(), image, module)


def _fetch(cache: Path) -> None:
    root = cache / "apt"
    options = _apt(root)
    shown = _run("apt-cache", *options, "show", "--no-all-versions", PACKAGE)
    image = image_package(shown)
    wanted = [image, *header_packages(image)]
    _run("apt-get", *options, "download", *wanted, cwd=root)
    debs = list(root.glob("*.deb"))
    if len(debs) != len(wanted):
        raise ToolError(f"apt-get was to download {len(wanted)} packages, and {root} has {len(debs)}")
    unpack(debs, cache)
    for deb in debs:
        deb.unlink()


def _apt(root: Path) -> list[str]:
    """Return the options that give apt a folder of its own, in which the lists are fresh."""
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
    return options


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


def header_packages(image: str) -> list[str]:
    """Return the packages with the headers of the kernel that package `image` holds."""
    release = image.removeprefix("linux-image-")
    return [f"linux-headers-{release}", f"linux-headers-{release.removesuffix('-riscv64')}-common"]


def unpack(packages: Sequence[Path], folder: Path) -> None:
    """Write vmlinux, kvm.ko, headers, and release, what `uname -r` will say, out of packages.

    Raises:
        ToolError: a package is damaged, or they hold no kernel or no KVM module between them.
    """
    found: dict[str, str] = {}
    for package in packages:
        _unpack(package, folder, found)
    if not found.keys() >= {"release", "module"}:
        names = ", ".join(package.name for package in packages)
        raise ToolError(f"{names} has no {'kvm.ko' if 'release' in found else 'kernel image'}")
    (folder / "release").write_text(found["release"] + "\n")


def _unpack(package: Path, folder: Path, found: dict[str, str]) -> None:
    """Write what is needed of one package, and note in `found` the release and the module."""
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
                        found["release"] = image["release"]
                    elif _MODULE.fullmatch(member.name):
                        (folder / "kvm.ko").write_bytes(_decompressed(file, member.name))
                        found["module"] = member.name
                    elif header := _HEADERS.fullmatch(member.name):
                        where = "common" if header["which"] == "common" else "built"
                        target = folder / "headers" / where / header["name"]
                        target.parent.mkdir(parents=True, exist_ok=True)
                        target.write_bytes(file.read())
        except tarfile.TarError as error:
            process.kill()
            said = process.stderr.read().decode(errors="replace").strip()
            raise ToolError(f"cannot unpack {package.name}: {said or error}") from error


def _decompressed(file: IO[bytes], name: str) -> bytes:
    return lzma.decompress(file.read()) if name.endswith(".xz") else file.read()


def _run(*command: str, cwd: Path | None = None) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode:
        said = "\n".join((done.stdout + done.stderr).strip().splitlines()[-_TAIL:])
        raise ToolError(f"{command[0]} {command[-1]} failed, so there is no Linux for riscv64:\n{said}")
    return done.stdout
