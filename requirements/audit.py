"""Looks the locked packages of the default image up in published advisories; a finding fails.

pip-audit asks the package index. With `--advisories FILE`, or the variable ADVISORIES, a file on
this machine is read instead; `advisories.py` says which. Where the index has none, a line says so,
and nothing fails: a check that needs the network must not keep anyone from working without it.
"""

import argparse
import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

from advisories import find_advisories
from locks import LOCKS, read_lock

PIP_AUDIT = Path(sys.executable).parent / "pip-audit"
TIMEOUT_S = 120


def main() -> None:
    """Audit what is served; end with status 1 for an advisory, 2 for a file that can't be read."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--advisories", type=Path, default=os.environ.get("ADVISORIES") or None, metavar="FILE"
    )
    archive = parser.parse_args().advisories
    findings = _audit_index() if archive is None else _audit_file(archive)
    print(*findings, sep="\n", end="\n" if findings else "")
    sys.exit(1 if findings else 0)


def _audit_file(archive: Path) -> list[str]:
    packages = read_lock("cpu")
    try:
        search = find_advisories(packages, archive)
    except (OSError, ValueError, BadZipFile) as error:
        print(f"{archive}: {error}", file=sys.stderr)
        sys.exit(2)
    print(f"{archive.name}: {len(packages)} packages checked; advisories up to {search.data_date}")
    return [
        _describe(finding.package.name, finding.package.version, finding.advisory, finding.fixed_in)
        for finding in search.findings
    ]


def _audit_index() -> list[str]:
    today = datetime.now(UTC).date()
    try:
        packages = _run_pip_audit(LOCKS / "cpu.lock")
    except (OSError, subprocess.TimeoutExpired, ValueError) as error:
        print(f"pip-audit: skipped, as the advisories can't be had: {error}")
        return []
    checked = [package for package in packages if "skip_reason" not in package]
    print(f"pip-audit: {len(checked)} of {len(packages)} packages checked; ", end="")
    print(
        f"advisories of the package index on {today}" if checked else "the index has no advisories"
    )
    if len(checked) < len(packages):
        print("On the rest it has none; ADVISORIES=FILE reads advisories from a file.")
    return [
        _describe(package["name"], package["version"], advisory["id"], advisory["fix_versions"])
        for package in checked
        for advisory in package["vulns"]
    ]


def _describe(name: str, version: str, advisory: str, fixed_in: list[str]) -> str:
    return f"{name} {version}: {advisory}, fixed in {', '.join(fixed_in) or 'no version yet'}"


def _run_pip_audit(lock: Path) -> list[dict[str, Any]]:
    """Return each package, with its advisories or why it has none.

    Raises:
        ValueError: The program ended without a result.
    """
    options = ["--require-hashes", "--disable-pip", "--format=json", "--progress-spinner=off"]
    ran = subprocess.run(
        [PIP_AUDIT, *options, "--requirement", lock],
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT_S,
    )
    try:
        packages: list[dict[str, Any]] = json.loads(ran.stdout)["dependencies"]
    except json.JSONDecodeError:
        raise ValueError(ran.stderr.strip().rpartition("\n")[2]) from None
    return packages


if __name__ == "__main__":
    main()
