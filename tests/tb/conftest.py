from __future__ import annotations

import pytest

from tb.simulator import SIMULATORS


@pytest.fixture(params=SIMULATORS)
def sim(request: pytest.FixtureRequest) -> str:
    """Each simulator in turn."""
    return str(request.param)
