"""Replay in batch: no Python where a record is issued."""
