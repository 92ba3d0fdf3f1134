# SPDX-License-Identifier: Apache-2.0
"""What happened on each hart and when, made of a trace and of the times at which the RTL retired its instructions."""
