# SPDX-License-Identifier: Apache-2.0
"""Mutants of the RTL that a tool makes, and what notices them: `make mutants`."""
