# SPDX-License-Identifier: Apache-2.0
"""`vctx clean`: remove old runs and builds, but nothing that somebody uses."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from vctx.pymodel.places import out_root
from vctx.tb.process.folders import LOCK, unused

RUNS = (
    "audit",
    "bench",
    "campaign",
    "check-log",
    "cocotb",
    "cosim",
    "demo",
    "formal",
    "fuzz",
    "linux",
    "linux-kvm",
    "mutants",
    "policies",
    "replay",
    "run",
    "sweep",
)
"""Where jobs put the folders of their runs. Nothing else is looked at, whatever folder --out names."""
_BUILD = re.compile(r"\.((icarus|verilator|bare)-[0-9a-f]{16})\.lock")
_BLOCK = 512  # bytes that st_blocks counts


@dataclass(frozen=True)
class Entry:
    """What is kept or removed as one: a run, or a build with its log and what an interrupted one left.

    Attributes:
        kind: those of a kind are counted together.
        name: the folder. lock: the file that its users hold. used: when it was last used, in seconds since 1970.
    """

    kind: str
    name: Path
    lock: Path
    used: float

    def paths(self) -> list[Path]:
        """Return what belongs to it."""
        if self.lock.parent == self.name:
            return [self.name]
        near = self.name.parent.glob(f".{self.name.name}.*")
        return [p for p in (self.name, *near, self.name.with_name(f"{self.name.name}.failed.log")) if p.exists()]


@dataclass
class Kind:
    """What became of the entries of a kind: how many there were, were removed, and the bytes that freed."""

    found: int = 0
    removed: int = 0
    freed: int = 0


@dataclass
class Cleaned:
    """What became of everything: by kind, and what was kept because somebody uses it."""

    kinds: dict[str, Kind] = field(default_factory=dict)
    used: list[Path] = field(default_factory=list)

    @property
    def freed(self) -> int:
        """Bytes of all kinds."""
        return sum(kind.freed for kind in self.kinds.values())


def clean(*, keep: int | None = None, older: float | None = None, dry_run: bool = False) -> Cleaned:
    """Remove runs and builds from the folder of everything generated.

    Args:
        keep: of each kind, all but this many that were used last.
        older: those that were not used for this many seconds. Either this or `keep`.
        dry_run: remove nothing, and say what would be.
    """
    root = out_root()
    before = -1.0 if older is None else time.time() - older
    cleaned = Cleaned()
    if not dry_run:
        for path in root.glob(".removed-*"):  # by one that was interrupted
            shutil.rmtree(path, ignore_errors=True)
    of_kind: dict[str, list[Entry]] = {}
    for entry in sorted(entries(root), key=lambda entry: (-entry.used, entry.name)):
        of_kind.setdefault(entry.kind, []).append(entry)
    for name, found in sorted(of_kind.items()):
        kind = cleaned.kinds[name] = Kind(len(found))
        for entry in found[keep:] if keep is not None else [entry for entry in found if entry.used < before]:
            size = _remove(entry, root, dry_run=dry_run)
            if size is None:
                cleaned.used.append(entry.name)
            else:
                kind.removed += 1
                kind.freed += size
    return cleaned


def entries(root: Path) -> Iterator[Entry]:
    """Yield every run and every build below `root`."""
    for top in RUNS:
        for folder, below, files in os.walk(root / top):
            if LOCK in files:
                below.clear()
                path = Path(folder)
                kind = top if path == root / top else path.parent.relative_to(root).as_posix()
                yield Entry(kind, path, path / LOCK, _last_change(path))
    for lock in root.glob(".*.lock"):
        if match := _BUILD.fullmatch(lock.name):
            yield Entry(f"builds of {match[2]}", root / match[1], lock, _changed(lock))


def _last_change(folder: Path) -> float:
    """Return when a run was claimed, or left something in its folder."""
    return max(map(_changed, (folder, *folder.iterdir())))


def _changed(path: Path) -> float:
    with contextlib.suppress(FileNotFoundError):  # a run goes on there
        return path.lstat().st_mtime
    return 0.0


def _remove(entry: Entry, root: Path, *, dry_run: bool) -> int | None:
    """Remove an entry, and return the bytes that were freed; None if somebody uses it."""
    with unused(entry.lock) as free:
        if not free:
            return None
        paths = entry.paths()
        size = sum(map(_size, paths))
        if not dry_run:
            # Away at once, so that nobody finds half of it, and whoever waits for the lock sees that it is gone.
            graveyard = root / f".removed-{os.getpid()}"
            graveyard.mkdir(exist_ok=True)
            for path in paths:
                path.rename(graveyard / path.name)
            shutil.rmtree(graveyard)
        return size


def _size(path: Path) -> int:
    below = (Path(folder, name) for folder, folders, files in os.walk(path) for name in (*folders, *files))
    return sum(_BLOCK * each.lstat().st_blocks for each in (path, *below))
