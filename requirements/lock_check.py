"""Installs the lock of the default image for each processor that the image is built for.

All wheels are downloaded and compared with their hashes. Nothing of them is run, so this machine
can be of another kind. Each binary in them must be one of that processor.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from locks import LOCKS, MACHINES, PYTHON, read_lock, select_for_image

GLIBC = "manylinux_2_36"
"""The C library of Debian 12, on which the image is based."""

ELF = b"\x7fELF"
ELF_MACHINES = {"x86_64": 62, "aarch64": 183}
"""`e_machine` of a binary, at offset 18: see the ELF specification."""


def main() -> None:
    """Check the lock for each processor; end with status 1 if it can't be installed on one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dry-run", action="store_true", help="only resolve, download nothing")
    dry_run = parser.parse_args().dry_run
    problems = [problem for machine in MACHINES for problem in _check(machine, dry_run=dry_run)]
    print(*problems, sep="\n", end="\n" if problems else "", file=sys.stderr)
    sys.exit(1 if problems else 0)


def _check(machine: str, *, dry_run: bool) -> Iterator[str]:
    """Yield what is wrong with the lock on a processor."""
    packages = select_for_image(read_lock("cpu"), machine)
    with tempfile.TemporaryDirectory() as name:
        ended = subprocess.run(
            [*_command(machine, Path(name)), *(["--dry-run"] if dry_run else [])],
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
        if ended.returncode:
            yield f"{machine}: {ended.stderr.strip()}"
            return
        if dry_run:
            print(f"{machine}: {len(packages)} packages have wheels")
            return
        installed = len(list(Path(name).glob("*.dist-info")))
        binaries = dict(_read_machines(Path(name)))
        print(f"{machine}: {installed} packages installed, with {len(binaries)} binaries")
        if installed != len(packages):
            yield f"{machine}: {len(packages)} packages are locked, but {installed} were installed"
        for path, found in binaries.items():
            if found != ELF_MACHINES[machine]:
                yield f"{machine}: {path} is a binary of another processor (e_machine {found})"


def _command(machine: str, target: Path) -> list[str]:
    uv = shutil.which("uv", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    options = [
        "--no-deps",
        "--require-hashes",
        "--only-binary",
        ":all:",
        "--python-version",
        PYTHON,
    ]
    platform = ["--python-platform", f"{machine}-{GLIBC}"]
    lock = ["--target", str(target), "--requirement", str(LOCKS / "cpu.lock")]
    return [uv or "uv", "pip", "install", "--quiet", *options, *platform, *lock]


def _read_machines(folder: Path) -> Iterator[tuple[str, int]]:
    """Yield each ELF binary below a folder with its `e_machine`."""
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            with path.open("rb") as file:
                head = file.read(20)
            if head.startswith(ELF):
                yield str(path.relative_to(folder)), int.from_bytes(head[18:20], "little")


if __name__ == "__main__":
    main()
