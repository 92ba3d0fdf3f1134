# SPDX-License-Identifier: Apache-2.0
"""Environment variables by which a regression speaks to `Bench`."""

from __future__ import annotations

RECORDS = "VCTX_RECORDS"  # the directory that gets the records of each test
COMMAND = "VCTX_COMMAND"  # what repeats a test, without the name of the test
