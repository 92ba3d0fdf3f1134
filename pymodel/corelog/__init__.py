# SPDX-License-Identifier: Apache-2.0
"""The golden hart in step with the commit log of any core. See docs/your-core.md."""
