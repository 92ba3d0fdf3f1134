# SPDX-License-Identifier: Apache-2.0
"""Agents for the block's ports, for testbenches of one's own under cocotb. See docs/cocotb.md."""

from vctx.tb.agents.axi_memory import DECERR, OKAY, SLVERR, AxiMemory
from vctx.tb.agents.axi_monitor import AxiMonitor, Burst
from vctx.tb.agents.bench import Bench
from vctx.tb.agents.golden import FILL, RAM_BASE, RAM_SIZE, Golden
from vctx.tb.agents.interrupts import InterruptInjector
from vctx.tb.agents.issue import IssueDriver
from vctx.tb.agents.pins import Errors
from vctx.tb.agents.retire import RegisterFile, RetireMonitor
from vctx.tb.agents.scoreboard import Flight, Scoreboard, ScoreboardError
from vctx.tb.agents.translate import PageMap, TranslateResponder

__all__ = [
    "DECERR",
    "FILL",
    "OKAY",
    "RAM_BASE",
    "RAM_SIZE",
    "SLVERR",
    "AxiMemory",
    "AxiMonitor",
    "Bench",
    "Burst",
    "Errors",
    "Flight",
    "Golden",
    "InterruptInjector",
    "IssueDriver",
    "PageMap",
    "RegisterFile",
    "RetireMonitor",
    "Scoreboard",
    "ScoreboardError",
    "TranslateResponder",
]
