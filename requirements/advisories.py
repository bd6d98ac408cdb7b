"""Looks packages up in a file of advisories, for machines whose package index has none.

The file is the archive of all advisories on PyPI that osv.dev publishes, a ZIP of one JSON document
an advisory: https://osv-vulnerabilities.storage.googleapis.com/PyPI/all.zip. Format and matching
are those of https://ossf.github.io/osv-schema/.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from locks import Locked
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version


@dataclass(frozen=True)
class Finding:
    """An advisory on a locked package.

    Attributes:
        package: The package.
        advisory: The id of the advisory.
        fixed_in: Versions that it does not concern any more.
    """

    package: Locked
    advisory: str
    fixed_in: list[str]


@dataclass(frozen=True)
class Search:
    """The result of a search.

    Attributes:
        findings: The advisories on the packages.
        data_date: When the newest advisory of the file was changed: the date of its data.
    """

    findings: list[Finding]
    data_date: str


def find_advisories(packages: Sequence[Locked], archive: Path) -> Search:
    """Return all advisories of a file on these packages.

    Args:
        packages: The packages.
        archive: The path of the ZIP.

    Raises:
        ValueError: The file holds no advisories.
        OSError: It can't be read.
        BadZipFile: It is not a ZIP.
    """
    by_name = {canonicalize_name(package.name): package for package in packages}
    findings: list[Finding] = []
    dates = [""]
    with ZipFile(archive) as opened:
        for name in filter(lambda name: name.endswith(".json"), opened.namelist()):
            advisory = json.loads(opened.read(name))
            dates.append(advisory["modified"][:10])
            if "withdrawn" not in advisory:
                findings += _match(advisory, by_name)
    if not (data_date := max(dates)):
        raise ValueError(f"{archive} holds no advisories; a ZIP of OSV documents is expected")
    return Search(findings, data_date)


def _match(advisory: dict[str, Any], by_name: dict[Any, Locked]) -> Iterator[Finding]:
    for affected in advisory.get("affected", ()):
        about = affected.get("package", {})
        package = by_name.get(canonicalize_name(about.get("name", "")))
        if package is None or about.get("ecosystem") != "PyPI":
            continue
        ranges = [each for each in affected.get("ranges", ()) if each["type"] == "ECOSYSTEM"]
        is_listed = package.version in affected.get("versions", ())
        if is_listed or any(_is_within(package.version, each["events"]) for each in ranges):
            events = [event for each in ranges for event in each["events"]]
            fixed_in = [event["fixed"] for event in events if "fixed" in event]
            yield Finding(package, advisory["id"], fixed_in)


def _is_within(version: str, events: Sequence[dict[str, str]]) -> bool:
    """Return whether a version is in a range, by the last event before it."""
    is_affected = False
    for event in sorted(events, key=lambda event: _parse(next(iter(event.values())))):
        kind, at = next(iter(event.items()))
        if kind == "introduced" and Version(version) >= _parse(at):
            is_affected = True
        elif (kind == "fixed" and Version(version) >= _parse(at)) or (
            kind == "last_affected" and Version(version) > _parse(at)
        ):
            is_affected = False
    return is_affected


def _parse(version: str) -> Version:
    """Return a version; the oldest for `0`, which stands for the first, and for invalid ones."""
    try:
        return Version("0.dev0" if version == "0" else version)
    except InvalidVersion:
        return Version("0.dev0")
