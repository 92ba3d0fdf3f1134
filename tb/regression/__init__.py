# SPDX-License-Identifier: Apache-2.0
"""Regressions of cocotb tests on the block: which tests there are, and what came of them."""
