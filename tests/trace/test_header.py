# SPDX-License-Identifier: Apache-2.0
"""The header of a trace is checked whole, before a replay makes memory or anything else of it."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import pytest

from vctx.pymodel.trace import TraceError, TraceReader, TraceWriter
from vctx.pymodel.trace.file import MAGIC
from vctx.pymodel.trace.header import MAX_RAM, Header

GOOD: dict[str, Any] = {
    "vlen": 256,
    "harts": 2,
    "seed": 1,
    "ram_base": 0x8000_0000,
    "ram_size": 1 << 20,
    "fill": 0xA5,
    "command": "vctx cosim",
}


def written(path: Path, header: dict[str, Any]) -> Path:
    with TraceWriter(path, header):
        pass
    return path


def test_what_is_good_is_taken_as_it_is(tmp_path: Path) -> None:
    assert Header.of(written(tmp_path / "t", GOOD | {"scenario": "x"})) == Header(**GOOD)
    for fill, size in ((0, 8), (255, MAX_RAM)):
        header = Header.of(written(tmp_path / "t", GOOD | {"fill": fill, "ram_size": size, "has_v": False}))
        assert (header.fill, header.ram_size, header.has_v) == (fill, size, False)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("fill", 256, "from 0 to 255"),
        ("fill", -1, "from 0 to 255"),
        ("ram_size", 1 << 200, "from 8 to 0x40000000"),
        ("ram_size", -4096, "from 8 to 0x40000000"),
        ("ram_size", 1 << 36, "from 8 to 0x40000000"),
        ("ram_size", 0, "from 8 to 0x40000000"),
        ("programs", ["kernel"], "must be addresses, or null, by name"),
        ("programs", {"kernel": "0x80000000"}, "must be addresses, or null, by name"),
        ("ram_size", 12, "a multiple of 8"),
        ("ram_base", 1 << 200, "below 2^56"),
        ("ram_base", -4096, "below 2^56"),
        ("ram_base", 0x8000_0008, "a page's address"),
        ("ram_base", (1 << 56) - 4096, "RAM ends behind 2^56"),
        ("has_v", None, "true or false"),
        ("has_v", "", "true or false"),
        ("has_v", 1, "true or false"),
        ("vlen", 192, "a power of two"),
        ("vlen", True, "a power of two"),
        ("vlen", "256", "it must be a number"),
        ("harts", 0, "from 1 to 8"),
        ("harts", 9, "from 1 to 8"),
        ("harts", 1.0, "it must be a number"),
        ("seed", -1, "from 0 to"),
        ("seed", [1], "it must be a number"),
        ("command", 5, "it must be text"),
    ],
)
def test_what_is_not_allowed_is_named(tmp_path: Path, name: str, value: object, message: str) -> None:
    with pytest.raises(TraceError, match="header: ") as caught:
        Header.of(written(tmp_path / "t", GOOD | {name: value}))
    assert message in str(caught.value) and len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("name", ["vlen", "harts", "seed", "ram_base", "ram_size", "fill"])
def test_what_is_missing_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(TraceError, match=f"{name} is missing"):
        Header.of(written(tmp_path / "t", {key: value for key, value in GOOD.items() if key != name}))


def test_a_header_nested_beyond_reason_is_damaged(tmp_path: Path) -> None:
    text = (b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}") + b" "
    assert json.loads(b'{"a":[[]]}') == {"a": [[]]}
    (tmp_path / "t").write_bytes(MAGIC + struct.pack("<I", len(text)) + text)
    with pytest.raises(TraceError, match="damaged trace header"):
        TraceReader(tmp_path / "t")
