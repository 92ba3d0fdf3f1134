# SPDX-License-Identifier: Apache-2.0
"""Which known defects of a kernel version may be behind the invariants that it broke."""

from __future__ import annotations

from collections.abc import Collection

from vctx.pymodel.kvm.defects import Defect, defects_of
from vctx.pymodel.kvm.version import KernelVersion


def explanations(version: KernelVersion, broken: Collection[str]) -> list[Defect]:
    """Return the known defects of `version` that may be behind the broken invariants."""
    return [defect for defect in defects_of(version) if set(defect.breaks) & set(broken)]
