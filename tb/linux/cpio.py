# SPDX-License-Identifier: Apache-2.0
"""An initial RAM disk as the kernel takes it: a cpio archive of the format `newc`, uncompressed."""

from __future__ import annotations

from collections.abc import Mapping

_MAGIC = b"070701"
_FILE_MODE = 0o100755
_END = "TRAILER!!!"
_BLOCK = 512


def archive(files: Mapping[str, bytes]) -> bytes:
    """Return the archive of some files, by name, all of them in the root directory, executable, and root's."""
    parts = [_entry(number, name, data, _FILE_MODE) for number, (name, data) in enumerate(files.items(), 1)]
    whole = b"".join((*parts, _entry(0, _END, b"", 0)))
    return whole + bytes(-len(whole) % _BLOCK)


def _entry(number: int, name: str, data: bytes, mode: int) -> bytes:
    text = name.encode() + b"\0"
    # inode, mode, owner, group, links, time, size, device and device number (major, minor), size of name, checksum
    fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(text), 0)
    head = _MAGIC + b"".join(b"%08X" % field for field in fields) + text
    return head + bytes(-len(head) % 4) + data + bytes(-len(data) % 4)
