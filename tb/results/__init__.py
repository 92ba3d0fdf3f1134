# SPDX-License-Identifier: Apache-2.0
"""What every job's outcome looks like to those who show it: one family of types, and what makes parts of it."""
