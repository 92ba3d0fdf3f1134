# SPDX-License-Identifier: Apache-2.0
"""vctx: co-simulation of the RISC-V vector context under a hypervisor.

Everything importable is below this name. The folders themselves stay at the top of the repository, where people look
for them; the links beside this file put them below `vctx`, in a checkout as in a wheel. A map in setuptools'
`package-dir` would do for a wheel, but mypy and pytest do not follow it in a checkout.
"""
