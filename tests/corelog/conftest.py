# SPDX-License-Identifier: Apache-2.0
"""The programs of `vctx run`'s tests are those of `vctx check-log`'s, too."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "run"))
