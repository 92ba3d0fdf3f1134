# SPDX-License-Identifier: Apache-2.0
"""What can be wrong with a measurement."""

from __future__ import annotations

from vctx.pymodel.errors import VctxError


class BenchError(VctxError):
    """What was to be measured does not work: RTL and trace differ, or a program ends badly."""
