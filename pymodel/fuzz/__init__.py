# SPDX-License-Identifier: Apache-2.0
"""Constrained-random programs: generated, run on the golden hart, counted, shrunk. See docs/fuzz.md."""
