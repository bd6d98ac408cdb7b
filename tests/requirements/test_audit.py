"""Locked packages are looked up in a file of advisories."""

import json
import re
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from tests.requirements.scripts import FOLDER, run

[REDIS] = re.findall(r"^redis==(\S+)", (FOLDER / "cpu.lock").read_text(), re.MULTILINE)
"""The locked version of a package."""


def advisory(name: str = "Redis", **members: Any) -> dict[str, Any]:
    """An advisory, as osv.dev publishes it, on all versions of a package."""
    events = [{"introduced": "0"}, {"fixed": "9999"}]
    affected = {
        "package": {"ecosystem": "PyPI", "name": name},
        "ranges": [{"type": "ECOSYSTEM", "events": events}],
    }
    return {"id": "TEST-1", "modified": "2026-10-09T08:07:06Z", "affected": [affected], **members}


NPM = {"package": {"ecosystem": "npm", "name": "redis"}, "versions": [REDIS]}


def on(**members: Any) -> dict[str, Any]:
    """An advisory on other versions."""
    package = {"ecosystem": "PyPI", "name": "redis"}
    return advisory(affected=[{"package": package, **members}])


def events(*events: dict[str, str]) -> dict[str, Any]:
    """An advisory on the versions between events."""
    return on(ranges=[{"type": "ECOSYSTEM", "events": list(events)}])


def write(folder: Path, *documents: dict[str, Any]) -> Path:
    """Write an archive of advisories."""
    path = folder / "all.zip"
    with ZipFile(path, "w") as archive:
        for number, document in enumerate(documents):
            archive.writestr(f"TEST-{number}.json", json.dumps(document))
    return path


@pytest.mark.parametrize(
    "document",
    [
        advisory(),
        on(versions=["1.0", REDIS]),
        events({"introduced": "0"}),
        events({"introduced": REDIS}, {"fixed": "9999"}),
        events({"last_affected": REDIS}, {"introduced": "0"}),
        events({"introduced": "0"}, {"fixed": "1"}, {"introduced": "2"}),
    ],
)
def test_an_advisory_on_a_locked_version_fails(tmp_path: Path, document: dict[str, Any]) -> None:
    ended = run("audit", "--advisories", write(tmp_path, document))
    assert ended.returncode == 1
    assert f"redis {REDIS}: TEST-1, fixed in " in ended.stdout
    assert "advisories up to 2026-10-09" in ended.stdout


@pytest.mark.parametrize(
    "document",
    [
        advisory("another-package"),
        advisory(withdrawn="2026-10-10T00:00:00Z"),
        on(versions=["1.0"]),
        events({"introduced": "0"}, {"fixed": REDIS}),
        events({"introduced": "9999"}),
        events({"introduced": "0"}, {"last_affected": "1.0"}),
        advisory(
            affected=[{"package": {"ecosystem": "npm", "name": "redis"}, "versions": [REDIS]}]
        ),
    ],
)
def test_other_advisories_do_not(tmp_path: Path, document: dict[str, Any]) -> None:
    ended = run("audit", "--advisories", write(tmp_path, document))
    assert ended.returncode == 0, ended.stdout
    assert "TEST-1" not in ended.stdout


def test_a_fixed_version_is_named(tmp_path: Path) -> None:
    ended = run("audit", "--advisories", write(tmp_path, advisory()))
    assert ended.stdout.splitlines()[1] == f"redis {REDIS}: TEST-1, fixed in 9999"


@pytest.mark.parametrize("content", [b"", b"not a ZIP"])
def test_a_file_of_another_kind_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "all.zip"
    path.write_bytes(content)
    ended = run("audit", "--advisories", path)
    assert ended.returncode == 2
    assert ended.stderr.startswith(f"{path}: File is not a zip file")


def test_an_archive_without_advisories_is_refused(tmp_path: Path) -> None:
    ended = run("audit", "--advisories", write(tmp_path))
    assert ended.returncode == 2
    assert "holds no advisories" in ended.stderr
