# SPDX-License-Identifier: Apache-2.0
"""The way of a trace to the pins and back."""
