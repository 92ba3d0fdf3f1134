"""Settings of every test run."""

from __future__ import annotations

from hypothesis import settings

# No test asserts time, and a busy machine is no failure; a failure prints what repeats it.
settings.register_profile("vctx", deadline=None, print_blob=True)
settings.load_profile("vctx")
