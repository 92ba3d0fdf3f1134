# SPDX-License-Identifier: Apache-2.0
"""Lines about the kernel as such and about processes: the module loaded, first use of vectors, what prctl denies."""

from __future__ import annotations

import signal

from vctx.pymodel.kvm import ExitReason
from vctx.pymodel.scenarios.linux.part import Part, lines
from vctx.pymodel.scenarios.linux.session import Caller, errno_name, errno_of
from vctx.pymodel.scenarios.linux.trace import Observed, Row, fnv1a

_KVM = "kvm.ko"


@lines("finit_module")
def finit_module(part: Part, row: Row) -> Observed:
    """A module is loaded. KVM's needs what the kernel exports of its vector code; another is the recorder's."""
    error = errno_of(part.session.boot_modular) if row["file"] == _KVM else 0
    return Observed({"err": error, "ename": errno_name(error)}, ("file",))


@lines("kernel_warnings")
def kernel_warnings(part: Part, row: Row) -> Observed:
    """How often the kernel has warned of something about KVM since the part began."""
    return Observed({"count": len(part.session.kernel.warnings)})


@lines("first_use")
def first_use(part: Part, row: Row) -> Observed:
    """A process looks at its vector registers without ever having used them."""
    session = part.session
    process = Caller(session.kernel, bytes(32 * session.vlenb), 0, program="first")
    session.kernel.switch_to(session.kernel.harts[0], process.task)
    if process.task.run().reason is not ExitReason.REPORT:
        nothing = dict.fromkeys(("vl", "vtype", "vcsr", "vstart", "fnv", "v0"))
        return Observed(nothing | {"signal": int(signal.SIGILL)})
    found = process.found
    return Observed(process.csrs | {"signal": 0, "fnv": fnv1a(found), "v0": found[: session.vlenb].hex()})


@lines("prctl")
def prctl(part: Part, row: Row) -> Observed:
    """What the process that makes vCPUs may do from here on. Denied, it makes one more for :func:`never_written`."""
    part.session.kernel.prctl_v_allowed = bool(row["allowed"])
    if not row["allowed"]:
        part.memory["other"] = part.session.new_driver()
    return Observed({"err": 0, "ename": "0"}, ("allowed",))


@lines("never_written")
def never_written(part: Part, row: Row) -> Observed:
    """vCPUs made without V and then given it: whether all their registers are zero, on a heap that has been used."""
    other = part.recall("other")
    part.session.set(other, "V", 1)
    return Observed({"zero": int(not any(part.session.vregs(other)))}, ("vcpus",))
