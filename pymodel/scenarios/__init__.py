"""Scenarios: what is run on the golden model, and the invariants that are checked meanwhile."""
