"""Writes what the default image installs from its lock, as CycloneDX JSON: a file a processor.

cyclonedx-py, of requirements/tools.lock, reads names, versions and hashes; the licences are those
of licences.py.
"""

import argparse
import json
import subprocess
from pathlib import Path
from typing import Any

from cyclonedx.schema import SchemaVersion
from licences import get_licence, read_rules
from locks import LOCKS, MACHINES, read_lock, select_for_image

VERSION = SchemaVersion.V1_6

PROJECT = LOCKS.parent / "pyproject.toml"


def main() -> None:
    """Write `sbom-x86_64.json` and `sbom-aarch64.json`, and print their paths."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", type=Path, required=True, help="the program cyclonedx-py")
    parser.add_argument("--out", type=Path, required=True, help="the folder of the files")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    for machine in MACHINES:
        path = arguments.out / f"sbom-{machine}.json"
        path.write_text(json.dumps(create_sbom(arguments.program, machine), indent=1) + "\n")
        print(path)


def create_sbom(program: Path, machine: str) -> dict[str, Any]:
    """Return the bill of materials of the image for a processor.

    Args:
        program: The path of cyclonedx-py.
        machine: One of MACHINES.
    """
    lock = "".join(package.lines for package in select_for_image(read_lock("cpu"), machine))
    options = ["--pyproject", str(PROJECT), "--output-reproducible", "--no-validate"]
    document: dict[str, Any] = json.loads(
        subprocess.run(
            [program, "requirements", "-", "--spec-version", VERSION.to_version(), *options],
            input=lock,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        ).stdout
    )
    rules = read_rules()
    for component in document["components"]:
        del component["description"]  # the lines of the lock
        component["licenses"] = [{"expression": str(get_licence(component["name"], rules))}]
    return document


if __name__ == "__main__":
    main()
