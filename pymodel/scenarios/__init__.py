# SPDX-License-Identifier: Apache-2.0
"""Scenarios: what is run on the golden model, and the invariants that are checked meanwhile."""
