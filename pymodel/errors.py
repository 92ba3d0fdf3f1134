# SPDX-License-Identifier: Apache-2.0
"""The one error path: every failure a user can cause is a `VctxError`, printed as one line, with its exit code."""

from __future__ import annotations


class VctxError(Exception):
    """A failure to report without a traceback; `exit_code` is what the process ends with."""

    exit_code = 1


class UsageError(VctxError):
    """Bad usage or bad input: the message says what was wrong and what is allowed."""

    exit_code = 2


class ToolError(VctxError):
    """A tool is missing or unsuitable: the message says how to get it. Others use the code for tools that fail."""

    exit_code = 3
