# SPDX-License-Identifier: Apache-2.0
"""`make bench`: how fast everything is, side by side on one machine, and how many cycles save and restore take."""
