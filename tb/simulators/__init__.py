# SPDX-License-Identifier: Apache-2.0
"""Simulators: found, built for, run; and what else reads the RTL."""
