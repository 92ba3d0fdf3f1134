"""Replay one instruction at a time, from Python."""
