# SPDX-License-Identifier: Apache-2.0
"""Reading profiles: a TOML file, checked key by key against one schema, or a known core's name."""

from __future__ import annotations

from dataclasses import fields
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any, Final

from vctx.pymodel import schema
from vctx.pymodel.errors import UsageError
from vctx.pymodel.isa import HartConfig, HartError, Latitude
from vctx.pymodel.isa import bits as status
from vctx.pymodel.isa.csr_numbers import CSR_NAMES
from vctx.pymodel.profiles.profile import LOGGED, Profile

_HERE = Path(__file__).resolve().parent
KNOWN: Final = tuple(sorted(path.stem for path in _HERE.glob("*.toml")))
"""Cores whose profiles come with vctx."""

_ALWAYS = ("I", "M", "A", "C", "H", "S", "U", "Zicsr", "Zifencei")  # of every golden hart
_OPTIONAL = ("F", "D", "V", "Zicntr")
_CSRS = {name: address for address, name in CSR_NAMES.items()}
_X = {name: number for number, name in enumerate(["zero", "ra", "sp", "gp", "tp", "t0", "t1", "t2", "s0", "s1"])}
_X |= (
    {f"a{n}": 10 + n for n in range(8)}
    | {f"s{n}": 16 + n for n in range(2, 12)}
    | {f"t{n}": 25 + n for n in range(3, 7)}
)
_X |= {f"x{n}": n for n in range(32)}
# Fields of status registers that a core may keep otherwise, by name: (lowest bit, width).
_FIELDS = {
    "UBE": (6, 1),
    "VS": (status.VS_SHIFT, 2),
    "FS": (13, 2),
    "XS": (15, 2),
    "MPRV": (17, 1),
    "SPELP": (23, 1),
    "SDT": (24, 1),
    "UXL": (32, 2),
    "SXL": (34, 2),
    "SBE": (36, 1),
    "MBE": (37, 1),
    "MPELP": (41, 1),
    "MDT": (42, 1),
    "SD": (63, 1),
}


def _value_of_x(where: str, value: Any) -> int | None:
    return None if value == "entry" else int(schema.integer()(where, value))


# Section, key, and what its value must be. An empty section stands for the top of the file.
_SCHEMA: dict[str, dict[str, schema.Check]] = {
    "": {"name": schema.string, "description": schema.string},
    "hart": {
        "vlen": schema.integer(128, 4096),
        "elen": schema.integer(64, 64),
        "extensions": schema.names((*_ALWAYS, *_OPTIONAL), "extensions"),
        "vs_field": schema.boolean,
        "pmp": schema.integer(0, 64),
        "misa": schema.integer(),
        "misa_writable": schema.integer(),
    },
    "memory": {
        "ram": schema.integer(),
        "size": schema.integer(0, 1 << 40),
        "access_faults": schema.names(("fetch", "load", "store"), "accesses"),
    },
    "reset": {
        "pc": schema.integer(),
        "x": schema.table(_X, "integer registers", _value_of_x),
        "csrs": schema.table(_CSRS, "CSRs", schema.integer()),
    },
    "volatile": {
        "csrs": schema.names(_CSRS, "CSRs"),
        "bits": schema.table(_CSRS, "CSRs", lambda where, value: _mask(where, value)),
        "sc": schema.boolean,
    },
    "log": {"complete": schema.names(LOGGED, "things that a log has")},
    "latitude": {name.name: schema.boolean for name in fields(Latitude)},
}


def _mask(where: str, value: Any) -> int:
    """Return the mask of bits given as a number, or as names of fields."""
    if isinstance(value, int) and not isinstance(value, bool):
        return int(schema.integer()(where, value))
    mask = 0
    for name in schema.names(_FIELDS, "fields of a status register")(where, value):
        low, width = _FIELDS[name]
        mask |= (1 << width) - 1 << low
    return mask


def profile_of(which: str | None) -> Profile:
    """Return the profile of a known core, or of a TOML file; that of Spike for None.

    Raises:
        UsageError: no such file or core, or a key or value that the schema does not have.
    """
    name = which or "spike"
    if name in KNOWN:
        return _read(_HERE / f"{name}.toml", name)
    path = Path(name)
    if not path.is_file():
        near = get_close_matches(name, KNOWN, 1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise UsageError(f"--profile {name}: no such file, and none of the known cores {', '.join(KNOWN)}{hint}")
    return _read(path, str(path))


def text_of(name: str) -> str:
    """Return the file of a known core."""
    schema.known(name, KNOWN, "known cores", "vctx profile")
    return (_HERE / f"{name}.toml").read_text()


def _read(path: Path, shown: str) -> Profile:
    data = schema.load(path, shown)
    try:
        return _build(_checked(data), path.stem)
    except (UsageError, HartError) as error:
        raise UsageError(f"{shown}: {error}") from error


def _checked(data: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return every section, checked."""
    top = {key: value for key, value in data.items() if not isinstance(value, dict)}
    sections: dict[str, Any] = {"": top, **{key: value for key, value in data.items() if isinstance(value, dict)}}
    out: dict[str, dict[str, Any]] = {name: {} for name in _SCHEMA}
    for section, content in sections.items():
        schema.known(section, _SCHEMA, "sections", "profile")
        keys = _SCHEMA[section]
        for key, value in content.items():
            schema.known(key, keys, f"keys of [{section}]" if section else "keys outside a section", "profile")
            out[section][key] = keys[key](f"{section}.{key}" if section else key, value)
    return out


@cache
def _defaults() -> Profile:
    return Profile("")


def _build(data: dict[str, dict[str, Any]], stem: str) -> Profile:
    hart, memory, reset, volatile = data["hart"], data["memory"], data["reset"], data["volatile"]
    base = _defaults()
    extensions = hart.get("extensions", [*_ALWAYS, "V"])
    missing = [name for name in _ALWAYS if name not in extensions]
    if missing:
        raise UsageError(f"hart.extensions: the golden hart always has {', '.join(missing)}, so they must be named")
    if ("F" in extensions) != ("D" in extensions):
        raise UsageError("hart.extensions: the golden hart has F and D together or neither")
    has_v = "V" in extensions
    config = HartConfig(
        vlen=hart.get("vlen", base.hart.vlen),
        has_v=has_v,
        has_zicntr="Zicntr" in extensions,
        wide=has_v,
        has_f="F" in extensions,
        pmp=hart.get("pmp", 0),
        vs_field=hart.get("vs_field"),
        misa=hart.get("misa"),
        misa_writable=hart.get("misa_writable", 0),
        latitude=Latitude(**data["latitude"]),
    )
    return Profile(
        name=data[""].get("name", stem),
        description=data[""].get("description", ""),
        hart=config,
        ram=(memory.get("ram", base.ram[0]), memory.get("size", 0)),
        access_faults=frozenset(memory.get("access_faults", base.access_faults)),
        reset_pc=reset.get("pc"),
        reset_x={_X[name]: value for name, value in reset.get("x", {}).items()},
        reset_csrs={_CSRS[name]: value for name, value in reset.get("csrs", {}).items()},
        volatile_csrs=frozenset(_CSRS[name] for name in volatile.get("csrs", ())),
        volatile_bits={_CSRS[name]: mask for name, mask in volatile.get("bits", {}).items()},
        volatile_sc=volatile.get("sc", True),
        complete=frozenset(data["log"].get("complete", ())),
    )
