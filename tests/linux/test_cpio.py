# SPDX-License-Identifier: Apache-2.0
"""The initial RAM disk: an archive that the kernel's format describes, read back field by field."""

from __future__ import annotations

from vctx.tb.linux.cpio import archive


def entries(data: bytes) -> list[tuple[str, int, bytes]]:
    """Return (name, mode, contents) of the entries, by the format's own rules."""
    found, at = [], 0
    while True:
        assert data[at : at + 6] == b"070701"
        fields = [int(data[at + 6 + 8 * i : at + 14 + 8 * i], 16) for i in range(13)]
        mode, size, name_size = fields[1], fields[6], fields[11]
        name = data[at + 110 : at + 110 + name_size]
        start = at + (110 + name_size + 3) // 4 * 4
        assert name.endswith(b"\0")
        found.append((name[:-1].decode(), mode, data[start : start + size]))
        if found[-1][0] == "TRAILER!!!":
            return found
        at = start + (size + 3) // 4 * 4


def test_the_files_come_back() -> None:
    files = {"init": b"#!", "kvm.ko": bytes(range(256)) * 5, "empty": b""}
    whole = archive(files)
    assert len(whole) % 512 == 0
    assert entries(whole) == [*((name, 0o100755, data) for name, data in files.items()), ("TRAILER!!!", 0, b"")]
