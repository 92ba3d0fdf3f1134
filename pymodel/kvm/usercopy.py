# SPDX-License-Identifier: Apache-2.0
"""Memory of user space as the kernel's copy routines meet it: mapped, read-only, or not there."""

from __future__ import annotations

import errno

from vctx.pymodel.kvm.abi import LONG
from vctx.pymodel.kvm.errors import KvmError


class UserBuffer:
    """Memory of user space that a system call points to; bytes beyond it are not mapped.

    Attributes:
        data: its contents; empty for a null, unmapped or kernel address.
        writable: how many bytes from the start may be written; what follows is read-only.
    """

    def __init__(self, data: bytes = b"", *, writable: int | None = None) -> None:
        self.data = bytearray(data)
        self.writable = len(data) if writable is None else writable

    def copy_from_user(self, size: int) -> tuple[bytes, bool]:
        """Return `size` bytes, zeros from the first one that cannot be read, and whether all could."""
        return bytes(self.data[:size]).ljust(size, b"\0"), size <= len(self.data)

    def copy_to_user(self, data: bytes) -> None:
        """Copy up to the first byte that cannot be written; EFAULT if there is one."""
        room = min(len(self.data), self.writable)
        self.data[: min(room, len(data))] = data[:room]
        if len(data) > room:
            raise KvmError(errno.EFAULT)

    def long(self) -> int:
        """Return the long at the start; EFAULT."""
        data, whole = self.copy_from_user(LONG)
        if not whole:
            raise KvmError(errno.EFAULT)
        return int.from_bytes(data, "little")


def check_long(size: int) -> None:
    """Raise EINVAL unless `size`, from an id, is that of a long."""
    if size != LONG:
        raise KvmError(errno.EINVAL)


def long_bytes(value: int) -> bytes:
    """Return a long as user space sees it."""
    return value.to_bytes(LONG, "little")
