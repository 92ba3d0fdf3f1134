# SPDX-License-Identifier: Apache-2.0
"""A fresh Debian in a folder, and processes in it that see nothing else.

Everything in it runs in name spaces of its own for mounts and processes. Whatever happens to whoever started it, they
end with it: no mount is ever seen outside, and nothing is left running.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import bare_machine as machine

from vctx.pymodel.errors import ToolError
from vctx.tb.process.folders import locked

PREINSTALLED = ("make", "ca-certificates")
USER = "user"
_SCRIPTS = Path("/usr/share/debootstrap/scripts")
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

# setpriv: ends with this process. unshare: its first process takes all others along.
_APART = ("setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--pid", "--fork", "--kill-child")
# $1 is the folder; the rest of the arguments, up to "--", are places of the machine to show there; then the command.
_ENTER = """
set -e
root=$1; shift
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
while [ "$1" != -- ]; do
    mount --bind "$1" "$root$1"
    mount -o remount,bind,ro "$root$1"
    shift
done
shift
chroot "$@"
"""


@dataclass(frozen=True)
class Done:
    """How a command ended: exit code, seconds, and all that it printed."""

    code: int
    seconds: float
    text: str


class Userland:
    """A Debian in `root`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._pip = machine.pip_settings()
        self._shown = [place for place in machine.places(self._pip) if not self._inside(place).exists()]

    def _inside(self, path: Path) -> Path:
        return self.root / path.relative_to("/")

    def configure(self) -> None:
        """Give it what this machine has configured, and the user."""
        for name in ("/etc/resolv.conf", "/etc/hosts"):
            shutil.copyfile(name, self._inside(Path(name)))
        if settings := machine.apt_settings():
            (self.root / "etc/apt/apt.conf.d/90machine").write_text(settings)
        (self.root / "etc/dpkg/dpkg.cfg.d/90fast").write_text("force-unsafe-io\n")
        machine.write_pip_settings(self._pip, self.root / "etc/pip.conf")
        if machine.CERTIFICATES.is_dir():
            shutil.copytree(machine.CERTIFICATES, self._inside(machine.CERTIFICATES), dirs_exist_ok=True)
        for place in self._shown:
            inside = self._inside(place)
            (inside if place.is_dir() else inside.parent).mkdir(parents=True, exist_ok=True)
            if place.is_file():
                inside.touch()
        for command in ("update-ca-certificates", f"useradd --create-home --shell /bin/sh {USER}"):
            done = self.run(command)
            if done.code:
                raise ToolError(f"{command} failed in the userland:\n{done.text}")

    def run(self, command: str, *, user: str = "root", folder: str = "/", log: Path | None = None) -> Done:
        """Run a shell command in it.

        Args:
            command: for sh. user: root or USER. folder: where.
            log: a file for its output.
        """
        home = "/root" if user == "root" else f"/home/{user}"
        environment = {"HOME": home, "PATH": _PATH, "LANG": "C.UTF-8", "TERM": "dumb"} | machine.environment()
        inner = ["env", "-i", *(f"{name}={value}" for name, value in environment.items())]
        inner += ["sh", "-c", f"cd {shlex.quote(folder)} && {command}"]
        shown = map(str, self._shown)
        arguments = [str(self.root), *shown, "--", f"--userspec={user}:{user}", str(self.root), *inner]
        return _apart(["sh", "-c", _ENTER, "sh", *arguments], log)


def _apart(command: list[str], log: Path | None = None) -> Done:
    """Run a command in name spaces of its own; it ends with this process, and if this process is interrupted."""
    started = time.monotonic()
    with contextlib.ExitStack() as stack:
        output = stack.enter_context(log.open("w+") if log else tempfile.TemporaryFile("w+"))  # noqa: SIM115
        alive, theirs = os.pipe()  # each process in there holds the other end
        process = subprocess.Popen(
            [*_APART, *command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            pass_fds=[theirs],
            start_new_session=True,  # an interrupt is for this process, which then ends that one
        )
        os.close(theirs)
        try:
            code = process.wait()
        finally:
            process.kill()
            process.wait()
            os.read(alive, 1)  # until the last one is gone
            os.close(alive)
        output.seek(0)
        return Done(code, time.monotonic() - started, output.read())


def base(suite: str, cache: Path) -> Path:
    """Return an archive of a bare Debian, made once: minbase and `PREINSTALLED`.

    Raises:
        ToolError: debootstrap fails.
    """
    archive = cache / f"{suite}.tar"
    with locked(cache / f".{suite}.lock"):
        if not archive.exists():
            source = machine.apt_mirror()
            with _folder(cache, suite) as folder:
                command = [
                    "debootstrap",
                    "--variant=minbase",
                    f"--include={','.join(PREINSTALLED)}",
                    suite,
                    str(folder),
                ]
                if source is not None:
                    command += [source] if (_SCRIPTS / suite).exists() else [source, str(_SCRIPTS / "sid")]
                done = _apart(command)
                if done.code:
                    tail = "\n".join(done.text.splitlines()[-12:])
                    raise ToolError(f"debootstrap of {suite} failed:\n{tail}")
                partial = archive.with_suffix(".part")
                subprocess.run(["tar", "-C", str(folder), "-cf", str(partial), "."], check=True)
                partial.replace(archive)
    return archive


@contextlib.contextmanager
def userland(suite: str, cache: Path) -> Iterator[Userland]:
    """Make a fresh userland, for as long as this lasts.

    Raises:
        ToolError: it cannot be made.
    """
    archive = base(suite, cache)
    with _folder(cache, suite) as folder:
        subprocess.run(["tar", "-C", str(folder), "-xf", str(archive)], check=True)
        land = Userland(folder)
        land.configure()
        yield land


@contextlib.contextmanager
def _folder(cache: Path, suite: str) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix=f"{suite}-", dir=cache))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
