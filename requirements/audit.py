"""Holds the locked dependencies against the published advisories; a finding fails.

Where the advisories can't be had, a line says so, and nothing fails: a check that needs the network
must not keep anyone from working without it.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

LOCKS = Path(__file__).parent
PIP_AUDIT = Path(sys.executable).parent / "pip-audit"
TIMEOUT_S = 120


def main() -> None:
    """Audit what is served; end with status 1 where something is known of it."""
    try:
        packages = _audited(LOCKS / "cpu.lock")
    except (OSError, subprocess.TimeoutExpired, ValueError) as error:
        print(f"pip-audit: skipped, as the advisories can't be had: {error}")
        return
    checked = [package for package in packages if "skip_reason" not in package]
    print(f"pip-audit: {len(checked)} of {len(packages)} packages checked", end="")
    print("" if len(checked) == len(packages) else "; the index here has no advisories on the rest")
    findings = [(package, advisory) for package in checked for advisory in package["vulns"]]
    for package, advisory in findings:
        mended = ", ".join(advisory["fix_versions"]) or "no version yet"
        print(f"{package['name']} {package['version']}: {advisory['id']}, mended in {mended}")
    sys.exit(1 if findings else 0)


def _audited(lock: Path) -> list[dict[str, Any]]:
    """Each package, with its advisories or why it has none.

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
