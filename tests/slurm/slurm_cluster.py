# SPDX-License-Identifier: Apache-2.0
"""A SLURM of one's own on this machine's loopback: munged, slurmctld and slurmd, for as long as a test needs them."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

_PATIENCE = 60  # seconds for a daemon to answer
_PORTS = (16817, 16818)  # not those of a SLURM that this machine may have
_CONF = """
ClusterName=vctx
SlurmctldHost={node}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SwitchType=switch/none
MpiDefault=none
ReturnToService=2
SlurmdTimeout=30
KillWait=2
NodeName={node} NodeAddr=127.0.0.1 CPUs={cpus} State=UNKNOWN
PartitionName=debug Nodes={node} Default=YES MaxTime=INFINITE State=UP
"""


class Slurm:
    """The three daemons, and the environment in which SLURM's commands find them.

    Args:
        folder: for everything that they write. cpus: that the one node has.
    """

    def __init__(self, folder: Path, cpus: int = 2) -> None:
        self._folder = folder
        for name in ("state", "spool"):
            (folder / name).mkdir(parents=True)
        folder.chmod(0o755)
        conf = folder / "slurm.conf"
        conf.write_text(_CONF.format(node=socket.gethostname(), ports=_PORTS, folder=folder, cpus=cpus).lstrip())
        key = folder / "munge.key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o600)
        self.env = os.environ | {"SLURM_CONF": str(conf)}
        self._daemons: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Slurm:
        files = {"key-file": "munge.key", "socket": "munge.socket", "pid-file": "munge.pid", "log-file": "munge.log"}
        files["seed-file"] = "munge.seed"
        self._start("munged", "--foreground", "--force", *(f"--{k}={self._folder / v}" for k, v in files.items()))
        self._wait("munged", lambda: (self._folder / "munge.socket").exists())
        self.start_controller()
        self._start("slurmd", "-D")
        self._wait("slurmd", lambda: self.says("sinfo", "-h", "-o", "%T") in ("idle", "mixed"))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.says("scancel", "--user=root")
        for name in ("slurmd", "slurmctld", "munged"):
            process = self._daemons.get(name)
            if process is not None and process.poll() is None:
                process.terminate()
                try:
                    process.wait(20)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()

    def start_controller(self) -> None:
        """Start slurmctld, and wait until it answers."""
        self._start("slurmctld", "-D")
        self._wait("slurmctld", lambda: self.says("scontrol", "ping").endswith("UP"))

    def kill_controller(self) -> None:
        """Kill slurmctld."""
        self._daemons["slurmctld"].send_signal(signal.SIGKILL)
        self._daemons["slurmctld"].wait()

    def says(self, *command: str) -> str:
        """Return what a command of SLURM's prints."""
        done = subprocess.run(command, env=self.env, capture_output=True, text=True, check=False, timeout=60)
        return done.stdout.strip()

    def _start(self, *command: str) -> None:
        with (self._folder / f"{command[0]}.out").open("ab") as log:
            self._daemons[command[0]] = subprocess.Popen(command, env=self.env, stdout=log, stderr=log)

    def _wait(self, name: str, ready: Callable[[], object]) -> None:
        until = time.monotonic() + _PATIENCE
        while not ready():
            if self._daemons[name].poll() is not None or time.monotonic() > until:
                said = (self._folder / f"{name}.out").read_text()[-2000:]
                raise SystemExit(f"{name} does not work:\n{said}")
            time.sleep(0.2)
