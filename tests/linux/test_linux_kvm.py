# SPDX-License-Identifier: Apache-2.0
"""`vctx linux-kvm` without QEMU: arguments, missing tools, the packages, the init program, and the verdict on a trace.

Here a script stands in for QEMU, and writes a recording where the trace belongs. The real thing is `make linux-kvm`.
"""

from __future__ import annotations

import json
import lzma
import os
import subprocess
import sys
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile

from vctx.pymodel.errors import ToolError, UsageError
from vctx.pymodel.places import OUT_VARIABLE
from vctx.pymodel.programs import ProgramError
from vctx.pymodel.scenarios.linux import Kind
from vctx.tb.linux import boot as linux_boot
from vctx.tb.linux import debian, image, job, module, needs
from vctx.tb.linux.boot import Machine, boot, qemu_version
from vctx.tb.linux.debian import LinuxKernel, image_package, mirror, unpack

ROOT = Path(__file__).resolve().parents[2]
RECORDING = ROOT / "tests" / "kvm" / "data" / "linux-kvm" / "linux-6.12-host-without-v.jsonl"
MACHINE = Machine(256, seed=5, steps=400)
KERNEL = LinuxKernel("6.12-test", Path("vmlinux"), Path("kvm.ko"))


def vctx(*arguments: str, path: Path | None = None) -> subprocess.CompletedProcess[str]:
    env = os.environ | ({"PATH": str(path)} if path else {})
    command = [sys.executable, "-m", "vctx.tb.cli", "linux-kvm", *arguments]
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)


def script(folder: Path, name: str, text: str) -> None:
    file = folder / name
    file.write_text(f"#!{sys.executable}\n{text}")
    file.chmod(0o755)


# Arguments and tools


@pytest.mark.parametrize(
    ("arguments", "allowed"),
    [
        (("--vlen", "2048"), "VLEN=2048: must be one of 128, 256, 512, 1024"),
        (("--seed", "-1"), "SEED=-1: must be from 0 to 4294967295"),
        (("--steps", "0"), "STEPS=0: must be from 1 to 100000"),
        (("--steps", "few"), "STEPS=few: must be from 1 to 100000"),
        (("--without-v", "--vlen", "128"), "--without-v leaves no vector registers"),
        (("--vlen", "abc"), "VLEN=abc: must be one of 128, 256, 512, 1024"),
        (("--zve-only", "--vlen", "128"), "--zve-only has registers of 128 bits"),
        (("--without-v", "--zve-only"), "--without-v leaves no vector registers"),
        (("--qemu", "no-such-qemu"), "QEMU=no-such-qemu: there is no such command"),
    ],
)
def test_bad_arguments(arguments: tuple[str, ...], allowed: str, tmp_path: Path) -> None:
    done = vctx(*arguments, path=tmp_path)
    assert done.returncode == 2
    assert allowed in done.stderr
    assert "Traceback" not in done.stderr + done.stdout


def test_missing_tools_are_named_with_how_to_get_them(tmp_path: Path) -> None:
    done = vctx(path=tmp_path)
    assert done.returncode == 3
    assert done.stderr.startswith("error: linux-kvm needs qemu-system-riscv64, ")
    command = done.stderr.strip().partition("sudo apt-get install --no-install-recommends ")[2]
    assert {needs.packages()[tool] for tool in ("qemu-system-riscv64", "gpgv")} <= set(command.split())


def test_only_what_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    there, absent = tmp_path / "firmware", tmp_path / "absent"
    there.touch()
    script(tmp_path, "tool", "")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(needs, "packages", lambda: {"tool": "a", str(there): "b"})
    needs.require()
    monkeypatch.setattr(needs, "packages", lambda: {"tool": "a", str(there): "b", str(absent): "c", "other": "c"})
    with pytest.raises(ToolError) as error:
        needs.require()
    assert str(error.value) == f"linux-kvm needs {absent}, other: sudo apt-get install --no-install-recommends c"


@pytest.mark.parametrize(
    ("codename", "package"), [("bookworm", "qemu-system-misc"), ("trixie", "qemu-system-riscv"), (None, None)]
)
def test_the_package_of_the_emulator(codename: str | None, package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def release() -> dict[str, str]:
        if codename is None:
            raise OSError
        return {"VERSION_CODENAME": codename}

    monkeypatch.setattr(needs.platform, "freedesktop_os_release", release)
    assert needs.packages()["qemu-system-riscv64"] == (package or "qemu-system-riscv")


# Debian's packages

URIS = """\
'http://security.example/debian/dists/bookworm-security/InRelease' security_InRelease 0
'http://mirror.example/debian/dists/bookworm/InRelease' mirror_InRelease 0
"""


def test_the_mirror_is_the_systems() -> None:
    assert mirror(URIS, "bookworm") == "http://mirror.example/debian"
    with pytest.raises(ToolError, match="no source for trixie"):
        mirror(URIS, "trixie")


def test_the_newest_kernels_package() -> None:
    shown = "Package: linux-image-riscv64\nDepends: linux-image-6.12.9+deb13-riscv64 (= 6.12.9-1)\nVersion: 6.12.9-1\n"
    assert image_package(shown) == "linux-image-6.12.9+deb13-riscv64"
    with pytest.raises(ToolError, match="depends on no kernel"):
        image_package("Package: linux-image-riscv64\nDepends: kmod\n")


def package(folder: Path, files: dict[str, bytes]) -> Path:
    tree = folder / "tree"
    for name, data in ({"DEBIAN/control": b""} | files).items():
        file = tree / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    fields = [
        "Package: linux",
        "Version: 1",
        "Architecture: riscv64",
        "Maintainer: N <n@example.org>",
        "Description: t",
    ]
    (tree / "DEBIAN" / "control").write_text("\n".join(fields) + "\n")
    subprocess.run(["dpkg-deb", "--build", tree, folder / "linux.deb"], check=True, capture_output=True)
    return folder / "linux.deb"


MODULES = "lib/modules/6.12.9/kernel/arch/riscv/kvm"


@pytest.mark.parametrize(
    "module",
    [{f"usr/{MODULES}/kvm.ko.xz": lzma.compress(b"module")}, {f"{MODULES}/kvm.ko": b"module"}],
    ids=["compressed", "plain"],
)
def test_unpacking(module: dict[str, bytes], tmp_path: Path) -> None:
    other = {f"usr/{MODULES}/other.ko.xz": lzma.compress(b"other")}
    unpack([package(tmp_path, {"boot/vmlinux-6.12.9": b"kernel"} | module | other)], tmp_path)
    assert (tmp_path / "vmlinux").read_bytes() == b"kernel"
    assert (tmp_path / "kvm.ko").read_bytes() == b"module"
    kernel = tmp_path / "release"
    assert kernel.read_text() == "6.12.9\n"


def test_other_packages_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with pytest.raises(ToolError, match=r"has no kvm\.ko"):
        unpack([package(tmp_path / "a", {"boot/vmlinux-6.12.9": b"kernel"})], tmp_path)
    (tmp_path / "b").mkdir()
    with pytest.raises(ToolError, match="has no kernel image"):
        unpack([package(tmp_path / "b", {f"{MODULES}/kvm.ko": b"module"})], tmp_path)
    assert not (tmp_path / "release").exists()
    (tmp_path / "linux.deb").write_bytes(b"nothing")
    with pytest.raises(ToolError, match=r"cannot unpack linux\.deb: dpkg-deb: error: "):
        unpack([tmp_path / "linux.deb"], tmp_path)


def test_a_kernel_in_several_packages_with_headers(tmp_path: Path) -> None:
    """As Debian splits it from Linux 7 on: the image beside the modules, and two packages of headers."""
    headers = "usr/src/linux-headers-7.2.13"
    contents = {
        "base": {"usr/share/doc/x": b""},
        "binary": {"usr/lib/modules/7.2.13/vmlinuz": b"kernel"},
        "modules": {"usr/lib/modules/7.2.13/kernel/arch/riscv/kvm/kvm.ko.xz": lzma.compress(b"module")},
        "common": {f"{headers}-common/include/linux/a.h": b"a", f"{headers}-common/arch/x86/include/b.h": b"b"},
        "built": {f"{headers}-riscv64/Module.symvers": b"", f"{headers}-riscv64/include/generated/c.h": b"c"},
    }
    packages = []
    for name, files in contents.items():
        (tmp_path / name).mkdir()
        packages.append(package(tmp_path / name, files))
    kernel = debian.given_kernel(packages, tmp_path / "kernel")
    assert (kernel.release, kernel.vmlinux.read_bytes(), kernel.module.read_bytes()) == ("7.2.13", b"kernel", b"module")
    assert kernel.headers is not None
    found = {str(path.relative_to(kernel.headers)) for path in kernel.headers.rglob("*") if path.is_file()}
    assert found == {"common/include/linux/a.h", "built/Module.symvers", "built/include/generated/c.h"}
    written = kernel.vmlinux.stat().st_mtime_ns
    assert debian.given_kernel(packages, tmp_path / "kernel") == kernel
    assert kernel.vmlinux.stat().st_mtime_ns == written
    assert debian.given_kernel(packages[1:3], tmp_path / "kernel").headers is None
    with pytest.raises(UsageError, match=r"KERNEL_DEB=.*/absent\.deb: there is no such file"):
        debian.given_kernel([*packages, tmp_path / "absent.deb"], tmp_path / "kernel")


def test_the_packages_with_the_headers() -> None:
    assert debian.header_packages("linux-image-6.12.9+deb13-riscv64") == [
        "linux-headers-6.12.9+deb13-riscv64",
        "linux-headers-6.12.9+deb13-common",
    ]


# The module


def test_without_headers_there_is_no_module() -> None:
    assert module.build_module(KERNEL, job.cache()) is None


def test_what_the_module_uses_is_checked_by_its_checksum(tmp_path: Path) -> None:
    """With CONFIG_MODVERSIONS; without, the checksums are zero and there is no table."""
    built = tmp_path / "headers" / "built"
    built.mkdir(parents=True)
    source = tmp_path / "source.S"
    source.write_text("call kfree\ncall helper\n")
    symvers = "{}\tkfree\tvmlinux\tEXPORT_SYMBOL\t\n{}\tmodule_layout\tvmlinux\tEXPORT_SYMBOL\t\n"
    build = module._Build(tmp_path / "headers", tmp_path, job.cache() / "zig")
    unit = build._compile(source)
    (built / "Module.symvers").write_text(symvers.format("0x1234abcd", "0x00000001"))
    assert build._versions([unit]).count("{0x") == 2
    assert '{0x1234abcd, "kfree"}' in build._versions([unit])
    (built / "Module.symvers").write_text(symvers.format("0x00000000", "0x00000000"))
    assert build._versions([unit]) == ""


def test_an_error_in_the_module_is_shown(tmp_path: Path) -> None:
    headers = tmp_path / "headers"
    (headers / "built").mkdir(parents=True)
    (headers / "built" / "Module.symvers").touch()
    with pytest.raises(ProgramError, match=r"building the kernel module failed(.|\n)*compiler-version\.h"):
        module.build_module(LinuxKernel("1", tmp_path, tmp_path, headers), job.cache())


def test_a_kernel_is_fetched_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fetched = []

    def fetch(cache: Path) -> None:
        fetched.append(cache)
        cache.mkdir()
        (cache / "release").write_text("6.12.9\n")

    monkeypatch.setattr(debian, "_fetch", fetch)
    cache = tmp_path / "kernel"
    assert [debian.linux_kernel(cache).release for _ in range(2)] == ["6.12.9"] * 2
    assert fetched == [cache]


def test_trouble_with_apt_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script(tmp_path, "apt-get", "import sys; print('E: no network', file=sys.stderr); sys.exit(100)")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolError, match=r"apt-get update failed(.|\n)*E: no network"):
        debian.linux_kernel(tmp_path / "kernel")
    assert not (tmp_path / "kernel" / "release").exists()


# The init program


def test_the_init_program_is_static_and_built_once() -> None:
    program = image.build_init(job.cache())
    with program.open("rb") as file:
        elf = ELFFile(file)
        assert (elf["e_machine"], elf["e_type"]) == ("EM_RISCV", "ET_EXEC")
        assert "PT_INTERP" not in {segment["p_type"] for segment in elf.iter_segments()}
    written = program.stat().st_mtime_ns
    assert image.build_init(job.cache()) == program
    assert program.stat().st_mtime_ns == written


def test_an_error_in_the_init_program_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sources = tmp_path / "sources"
    sources.mkdir()
    (sources / "main.c").write_text("int main(void) { return nothing; }\n")
    monkeypatch.setattr(image, "SOURCES", sources)
    with pytest.raises(ProgramError, match="undeclared identifier 'nothing'"):
        image.build_init(job.cache())


# Booting

FAKE_QEMU = """
import sys
if sys.argv[1:] == ["--version"]:
    print("QEMU emulator version 7.2.22 (Debian)")
    sys.exit()
files = {word.split(",")[1]: word.split("path=")[1] for word in sys.argv if word.startswith("file,")}
open(files["id=console"], "w").write("OpenSBI\\nKernel panic\\n")
open(files["id=trace"], "w").write(%r)
open(%r, "w").write("\\n".join(sys.argv[1:]))
sys.exit(%d)
"""


def fake_qemu(folder: Path, monkeypatch: pytest.MonkeyPatch, trace: str, code: int = 0) -> Path:
    arguments = folder / "arguments"
    script(folder, "qemu-system-riscv64", FAKE_QEMU % (trace, str(arguments), code))
    monkeypatch.setenv("PATH", str(folder))
    return arguments


def test_what_is_booted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = fake_qemu(tmp_path, monkeypatch, RECORDING.read_text())
    assert qemu_version() == "7.2.22"
    trace = boot(MACHINE, KERNEL, tmp_path / "initramfs.cpio", tmp_path)
    assert trace.read_text() == RECORDING.read_text()
    said = arguments.read_text().splitlines()
    assert said[said.index("-cpu") + 1] == "rv64,h=true,v=true,vlen=256"
    assert {"seed=5", "steps=400", "isolcpus=1"} <= set(said[said.index("-append") + 1].split())
    boot(Machine(None, 5, 400), KERNEL, tmp_path / "initramfs.cpio", tmp_path)
    said = arguments.read_text().splitlines()
    assert said[said.index("-cpu") + 1] == "rv64,h=true"
    boot(Machine(None, 5, 400, zve=True), KERNEL, tmp_path / "initramfs.cpio", tmp_path)
    said = arguments.read_text().splitlines()
    assert said[said.index("-cpu") + 1] == "rv64,h=true,Zve64f=true"  # as 7.2 spells it


@pytest.mark.parametrize(
    ("trace", "code", "why"),
    [
        ("", 1, "QEMU ended with 1"),
        ('{"ctx":"boot","t":"boot"}\n', 0, "it powered off early"),
        ('{"ctx":"end","t":"en', 0, "it powered off early"),
    ],
)
def test_a_boot_that_fails_shows_the_console(
    trace: str, code: int, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_qemu(tmp_path, monkeypatch, trace, code)
    with pytest.raises(ToolError, match=f"{why}; .*console.log ends with\n  OpenSBI\n  Kernel panic$"):
        boot(MACHINE, KERNEL, tmp_path / "initramfs.cpio", tmp_path)


def test_an_earlier_trace_is_not_taken_for_this_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script(tmp_path, "qemu-system-riscv64", "import sys; sys.exit(1)")
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "trace.jsonl").write_text(RECORDING.read_text())
    with pytest.raises(ToolError, match="did not come to its end"):
        boot(MACHINE, KERNEL, tmp_path / "initramfs.cpio", tmp_path)


SOMETIMES = """
import pathlib, sys, time
trace = next(word.split("path=")[1] for word in sys.argv if "id=trace" in word)
count = pathlib.Path(__file__).with_name("count")
count.write_text(count.read_text() + "x" if count.exists() else "x")
if len(count.read_text()) <= %d:
    time.sleep(600)
open(trace, "w").write(%r)
%s
"""


@pytest.mark.parametrize(("hangs", "boots"), [(0, 1), (2, 3), (9, 3)])
def test_a_machine_that_does_not_start_is_booted_again(
    hangs: int, boots: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(tmp_path, "qemu-system-riscv64", SOMETIMES % (hangs, RECORDING.read_text(), ""))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(linux_boot, "_START_S", 5)
    if hangs < boots:
        boot(MACHINE, KERNEL, tmp_path / "initramfs.cpio", tmp_path)
    else:
        with pytest.raises(ToolError, match=r"3 times it told nothing within 5 s; .*console\.log ends with$"):
            boot(MACHINE, KERNEL, tmp_path / "initramfs.cpio", tmp_path)
    assert len((tmp_path / "count").read_text()) == boots


def test_a_run_that_never_ends_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script(tmp_path, "qemu-system-riscv64", SOMETIMES % (0, "{}\n", "time.sleep(600)"))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(linux_boot, "_START_S", 5)
    monkeypatch.setattr(linux_boot, "_RUN_S", 0)
    with pytest.raises(ToolError, match="it ran for more than 1 s"):
        boot(Machine(256, seed=5, steps=20), KERNEL, tmp_path / "initramfs.cpio", tmp_path)
    assert (tmp_path / "count").read_text() == "x"


def test_an_emulator_that_cannot_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script(tmp_path, "qemu-system-riscv64", "import sys; sys.exit(127)")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolError, match="cannot start qemu-system-riscv64"):
        qemu_version()


# The verdict


def test_the_verdict_on_a_trace(tmp_path: Path) -> None:
    trace = tmp_path / "trace.jsonl"
    trace.write_text(RECORDING.read_text())
    machine = Machine(None, 5, 400)
    verdict = job.judged(machine, "10.0.2", KERNEL, (), trace)
    assert verdict.ok
    assert verdict.parts.keys() == {"boot", "host_without_v"}
    assert verdict.parts["host_without_v"] == verdict.counts | {Kind.MATCHED: 14, Kind.BOOKKEEPING: 0}
    result = json.loads((tmp_path / "result.json").read_text())
    assert result["ok"] and result["counts"] == {"matched": 15, "explained": 0, "differs": 0, "bookkeeping": 9}
    assert result["command"].endswith("linux-kvm --seed 5 --without-v --steps 400")


def test_one_falsified_value_is_reported(tmp_path: Path) -> None:
    trace = tmp_path / "trace.jsonl"
    trace.write_text(RECORDING.read_text().replace('"probe_n":157', '"probe_n":158'))
    verdict = job.judged(MACHINE, "10.0.2", KERNEL, (), trace)
    assert not verdict.ok
    result = json.loads((tmp_path / "result.json").read_text())
    assert not result["ok"]
    fields = [{"name": "probe_n", "recorded": 158, "golden": 157}]
    assert result["differing"] == [{"line": 5, "part": "host_without_v", "kind": "reg_list", "fields": fields}]


def test_a_trace_without_judgement_is_no_agreement(tmp_path: Path) -> None:
    trace = tmp_path / "trace.jsonl"
    lines = [line for line in RECORDING.read_text().splitlines() if json.loads(line)["ctx"] in ("boot", "end")]
    trace.write_text("\n".join(lines))
    assert not job.judged(MACHINE, "10.0.2", KERNEL, (), trace).ok


def test_impossible_machines_are_refused() -> None:
    job.check(Machine(None, 0, 1))
    with pytest.raises(UsageError, match="VLEN=64"):
        job.check(Machine(64, 0, 1))


@pytest.mark.parametrize(("falsify", "code"), [(False, 0), (True, 1)])
def test_the_whole_command(falsify: bool, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything but Linux itself: a script stands in for QEMU, and the packages are there already."""
    from rich.console import Console

    from vctx.tb.reports.linux import result_of
    from vctx.tb.reports.render.terminal import Terminal

    text = RECORDING.read_text().replace('"probe_n":157', '"probe_n":158' if falsify else '"probe_n":157')
    path = os.environ["PATH"]
    fake_qemu(tmp_path, monkeypatch, text)
    monkeypatch.setenv("PATH", f"{tmp_path}:{path}")
    monkeypatch.setattr(job.needs, "packages", lambda: {"apt-get": "apt"})
    monkeypatch.setenv(OUT_VARIABLE, str(tmp_path / "out"))
    monkeypatch.setattr(job, "build_init", lambda cache: tmp_path / "qemu-system-riscv64")
    kernel = job.cache() / "kernel"
    kernel.mkdir(parents=True)
    for name, contents in (("release", "6.12.9\n"), ("vmlinux", ""), ("kvm.ko", "")):
        (kernel / name).write_text(contents)
    phases = []
    verdict = job.linux_kvm(Machine(None, 7, 10), progress=lambda *phase: phases.append(phase))
    assert [phase[0] for phase in phases if phase[1]] == ["kernel", "init", "boot", "judge"]
    assert verdict.ok is not falsify
    console = Console(width=120, record=True, quiet=False)
    Terminal(console).render(result_of(verdict))
    shown = console.export_text()
    assert f"of Linux 6.12.9 under QEMU 7.2.22 match, {code} differ" in shown
    assert ("probe_n: recorded 158, golden 157" in shown) is falsify
    assert "linux-kvm --seed 7 --without-v --steps 10" in shown
