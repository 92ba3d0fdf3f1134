# SPDX-License-Identifier: Apache-2.0
"""What this machine has configured that a userland on it needs, too: apt's mirror and settings, certificates, pip.

Nothing here is of one machine: it is asked of apt, pip and the environment, and what is not there is not copied.
"""

from __future__ import annotations

import ast
import configparser
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

from vctx.pymodel.errors import ToolError
from vctx.tb.linux.debian import mirror

CERTIFICATES = Path("/usr/local/share/ca-certificates")  # what an administrator trusts besides Debian's own choice
_PROXIES = ("http_proxy", "https_proxy", "ftp_proxy", "all_proxy", "no_proxy")
_TRUST = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


def said(*command: str) -> str:
    """Return what a command prints, or nothing if it is not there or fails."""
    if shutil.which(command[0]) is None:
        return ""
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False).stdout


def apt_mirror() -> str | None:
    """Return where this machine gets Debian from; None where it is no Debian."""
    try:
        codename = platform.freedesktop_os_release().get("VERSION_CODENAME", "")
        return mirror(said("apt-get", "--print-uris", "update"), codename)
    except (OSError, ToolError):
        return None


def apt_settings() -> str:
    """Return how apt gets its files here, as a file of /etc/apt/apt.conf.d: proxies, time-outs, languages and so on."""
    dump = said("apt-config", "dump", "--format", '%f "%v";%n', "Acquire")
    return "".join(
        f"{line}\n" for line in dump.splitlines() if not line.startswith(("Acquire::IndexTargets", "Acquire::cdrom"))
    )


def pip_settings() -> dict[str, dict[str, str]]:
    """Return pip's configuration: section, key, value; what the environment says counts as global."""
    sections: dict[str, dict[str, str]] = {"global": {}}
    for line in said(sys.executable, "-m", "pip", "config", "list").splitlines():
        name, _, value = line.partition("=")
        section, _, key = name.rpartition(".")
        text = ast.literal_eval(value)
        if section == ":env:":
            sections["global"][key] = text
        else:
            sections.setdefault(section, {}).setdefault(key, text)
    return sections


def write_pip_settings(sections: dict[str, dict[str, str]], path: Path) -> None:
    """Write pip's configuration as a file."""
    parser = configparser.RawConfigParser()
    parser.read_dict(sections)
    with path.open("w") as file:
        parser.write(file)


def environment() -> dict[str, str]:
    """Return the variables that say how to reach the network and whom to trust."""
    names = [*_PROXIES, *(name.upper() for name in _PROXIES), *_TRUST]
    return {name: os.environ[name] for name in names if name in os.environ}


def places(sections: dict[str, dict[str, str]]) -> list[Path]:
    """Return the files and folders of this machine that pip's configuration and the environment name."""
    found: list[Path] = []
    for keys in sections.values():
        for key, value in keys.items():
            for word in value.split():
                path = Path(word.removeprefix("file://"))
                # The files of an index lie beside its pages.
                found.append(path.parent if key.endswith("index-url") else path)
    found += [Path(os.environ[name]) for name in _TRUST if name in os.environ]
    return [path for path in dict.fromkeys(found) if path.is_absolute() and path.exists()]
