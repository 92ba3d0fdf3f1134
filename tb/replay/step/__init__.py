# SPDX-License-Identifier: Apache-2.0
"""Replay one instruction at a time, from Python."""
