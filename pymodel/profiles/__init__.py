# SPDX-License-Identifier: Apache-2.0
"""What a core is, for who judges it: profiles in TOML, those of known cores among them. See docs/your-core.md."""

from vctx.pymodel.profiles.profile import Profile
from vctx.pymodel.profiles.read import KNOWN, profile_of, text_of

__all__ = ["KNOWN", "Profile", "profile_of", "text_of"]
