"""The bills of materials are valid, and list what each image installs."""

import json
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from tests.conftest import REPOSITORY
from tests.requirements.scripts import run

PROGRAM = REPOSITORY / ".venv-tools" / "bin" / "cyclonedx-py"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files that `make sbom` writes."""
    if not PROGRAM.exists():
        pytest.skip("cyclonedx-py is not installed; `make .venv-tools/ready` does so")
    folder = tmp_path_factory.mktemp("sbom")
    ended = run("sbom", "--program", PROGRAM, "--out", folder)
    assert ended.returncode == 0, ended.stderr
    return folder


def components(folder: Path, machine: str) -> dict[str, dict[str, Any]]:
    """The packages of a file by name."""
    document = json.loads((folder / f"sbom-{machine}.json").read_text())
    return {component["name"]: component for component in document["components"]}


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_it_is_valid_cyclonedx(folder: Path, machine: str) -> None:
    text = (folder / f"sbom-{machine}.json").read_text()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    assert json.loads(text)["metadata"]["component"]["name"] == "taggram"


def test_it_lists_versions_hashes_and_licences_of_the_lock(folder: Path) -> None:
    lock = (REPOSITORY / "requirements" / "cpu.lock").read_text()
    for name, component in components(folder, "x86_64").items():
        assert f"{name}=={component['version']} " in lock
        for hashed in component["externalReferences"][0]["hashes"]:
            assert f"--hash=sha256:{hashed['content']}" in lock
        assert component["licenses"][0]["expression"]


def test_packages_of_other_platforms_are_left_out(folder: Path) -> None:
    intel, arm = (components(folder, machine) for machine in ("x86_64", "aarch64"))
    assert "colorama" not in intel.keys() | arm.keys()
    assert {"tensorflow-cpu"} == intel.keys() - arm.keys()
    assert {"tensorflow"} == arm.keys() - intel.keys()
    assert intel["av"]["version"] == arm["av"]["version"]
