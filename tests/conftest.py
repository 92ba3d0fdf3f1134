# SPDX-License-Identifier: Apache-2.0
"""Settings of every test run."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest
from hypothesis import settings

from vctx.tb.process.interrupts import INTERRUPTS

# No test asserts time, and a busy machine is no failure; a failure prints what repeats it.
settings.register_profile("vctx", deadline=None, print_blob=True)
settings.load_profile("vctx")


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Let this process and those that it starts hear interrupts, even where the tests themselves run deaf to them.

    As they do under nohup and as a script's background job.
    """
    handlers = dict.fromkeys(INTERRUPTS, signal.SIG_DFL) | {signal.SIGINT: signal.default_int_handler}
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)
