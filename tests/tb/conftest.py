# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from vctx.tb.simulators.find import SIMULATORS


@pytest.fixture(params=SIMULATORS)
def sim(request: pytest.FixtureRequest) -> str:
    """Each simulator in turn."""
    return str(request.param)
