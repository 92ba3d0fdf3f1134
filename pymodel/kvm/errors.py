# SPDX-License-Identifier: Apache-2.0
"""How the modelled kernel says no, and how it dies."""

from __future__ import annotations

import errno

from vctx.pymodel.errors import VctxError


class KvmError(Exception):
    """A system call of the modelled kernel failed with `errno` (positive, as in <errno.h>)."""

    def __init__(self, number: int) -> None:
        # Python calls 95 ENOTSUP; in the kernel it has only its other name.
        name = "EOPNOTSUPP" if number == errno.EOPNOTSUPP else errno.errorcode[number]
        super().__init__(f"-{name}")
        self.errno = number


class KernelOops(VctxError):  # noqa: N818 (named for the event)
    """The modelled kernel itself faulted; what follows on that machine means nothing.

    Attributes:
        functions: marked functions that it was in, the outermost first; filled in as they end.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.functions: list[str] = []


class KernelMisuseError(Exception):
    """The caller drove the model in an order that no kernel goes through."""
