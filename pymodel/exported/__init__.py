# SPDX-License-Identifier: Apache-2.0
"""Recorded traces as bare-metal programs, for cores and simulators that are not ours."""
