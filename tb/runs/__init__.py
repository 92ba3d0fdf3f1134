# SPDX-License-Identifier: Apache-2.0
"""What every job shares: how it tells its progress, records beside a replay, and says what repeats it."""
