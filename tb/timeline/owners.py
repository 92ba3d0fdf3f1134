# SPDX-License-Identifier: Apache-2.0
"""Who is in the vector registers, from the marks of a trace and the registers that were written between them.

The rule is that of the monitor, which checks it: a guest, a task and kernel code own what they write; what a restore
writes belongs to whom the image belongs to.
"""

from __future__ import annotations

from vctx.pymodel.trace import Mark
from vctx.tb.timeline.model import NOBODY

_RESTORES = frozenset({"guest_vector_restore", "host_vector_restore", "vstate_restore", "section_restore"})
_SAVES = frozenset({"guest_vector_save", "host_vector_save", "vstate_save", "section_save"})
_KERNEL_CODE = "kernel_vector"
_OWNERS = frozenset({"guest", "task", "vstate_discard", _KERNEL_CODE})
_ALL = (1 << 32) - 1
KERNEL = "kernel mode"


class Owners:
    """The owners of the registers of one hart.

    Args:
        images: of what memory holds, by address. reset: vCPUs whose memory was written by their reset, not by a save.
            All harts share both.
    """

    def __init__(self, images: dict[int, dict[str, int]], reset: set[str]) -> None:
        self._images, self._reset = images, reset
        self._owned = {NOBODY: _ALL}  # mask of registers by owner

    @property
    def name(self) -> str:
        """Who it is; several, if they share the registers."""
        return " + ".join(sorted(self._owned))

    def wrote(self, top: Mark | None, regs: int) -> None:
        """Note that registers, a mask, were written in the function of mark `top`."""
        if top is None or not regs:
            return
        if top.what in _RESTORES and top.regions:
            own = {top.who: _ALL}
            guest = top.what == "guest_vector_restore" and top.who in self._reset
            image = own if guest else self._images.get(top.regions[0][1], own)
            self._give({who: mask & regs for who, mask in image.items() if mask & regs}, regs)
        elif top.what in _OWNERS:
            self._give({KERNEL if top.what == _KERNEL_CODE else top.who: regs}, regs)

    def left(self, mark: Mark, moved: bool) -> None:
        """Note that the function of `mark` is over; if it is a save that moved anything, memory has the owners now."""
        if mark.what == "vcpu_reset":
            self._reset.add(mark.who)
        if moved and mark.what in _SAVES and mark.regions:
            if mark.what == "guest_vector_save":
                self._reset.discard(mark.who)
            self._images[mark.regions[0][1]] = dict(self._owned)

    def _give(self, new: dict[str, int], regs: int) -> None:
        kept = {who: mask & ~regs for who, mask in self._owned.items() if mask & ~regs}
        for who, mask in new.items():
            kept[who] = kept.get(who, 0) | mask
        self._owned = kept
