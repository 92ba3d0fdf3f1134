# SPDX-License-Identifier: Apache-2.0
"""Campaigns: many cells of jobs on one machine or a cluster, kept in one store and merged into one result."""
