# SPDX-License-Identifier: Apache-2.0
"""Replay in batch: no Python where a record is issued."""
