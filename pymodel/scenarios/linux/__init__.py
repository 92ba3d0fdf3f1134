# SPDX-License-Identifier: Apache-2.0
"""Recordings of a real Linux KVM, done again on the golden hypervisor and compared line by line."""

from __future__ import annotations

from vctx.pymodel.scenarios.linux.replay import replay
from vctx.pymodel.scenarios.linux.trace import Kind, Verdict, read_rows, summary

__all__ = ["Kind", "Verdict", "read_rows", "replay", "summary"]
