"""Where the parts of the project lie, and where everything generated goes."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent  # of a checkout, or of the installed package
RTL = ROOT / "rtl"
HDL = ROOT / "tb" / "hdl"
SW = ROOT / "sw"
SIM_BUILD = ROOT / "sim_build"
