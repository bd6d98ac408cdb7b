"""Licences of all dependencies are known, and allowed or exempt with a reason."""

import re
from pathlib import Path

import av
import pytest

from tests.docs.pages import doc
from tests.requirements.scripts import FOLDER, edit, run


def locked_names(lock: str) -> set[str]:
    """The names in a lock, but those that are installed nowhere."""
    lines = (FOLDER / f"{lock}.lock").read_text().splitlines()
    return {line.partition("==")[0] for line in lines if "==" in line and "'never'" not in line}


def test_each_dependency_has_an_allowed_licence_or_a_reason() -> None:
    ended = run("licences")
    assert ended.returncode == 0, ended.stderr
    printed = {line.partition(" ")[0] for line in ended.stdout.splitlines()}
    assert printed == locked_names("cpu") | locked_names("train") | locked_names("ray")
    assert re.search(
        r"^soxr [\d.]+: LGPL-2.1-or-later \(used unchanged", ended.stdout, re.MULTILINE
    )


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[exceptions.soxr]", "[exceptions.other]", "soxr: LGPL-2.1-or-later is not among"),
        ('mdurl = "MIT"', 'mdurl = "AGPL-3.0-only"', "mdurl: AGPL-3.0-only is not among"),
        ('mdurl = "MIT"', 'mdurl = "MIT AND GPL-2.0-only"', "mdurl: MIT AND GPL-2.0-only is not"),
        ('scipy = "BSD-3-Clause"', "", "scipy: its metadata names no SPDX licence"),
        ('mdurl = "MIT"', 'mdurl = "as is"', "mdurl: its metadata names no SPDX licence ('as is')"),
    ],
)
def test_another_licence_fails(tmp_path: Path, old: str, new: str, message: str) -> None:
    ended = run("licences", folder=edit(tmp_path, "licences.toml", old, new))
    assert ended.returncode == 1
    assert message in ended.stderr


def test_one_allowed_of_several_alternatives_is_enough(tmp_path: Path) -> None:
    new = 'mdurl = "AGPL-3.0-only OR MIT"'
    ended = run("licences", folder=edit(tmp_path, "licences.toml", 'mdurl = "MIT"', new))
    assert ended.returncode == 0, ended.stderr


def test_each_library_in_the_wheel_of_av_is_named_with_its_licence() -> None:
    libraries = Path(av.__file__).parents[1] / "av.libs"
    names = {re.split(r"-[0-9a-f]{8}|\.so", path.name)[0] for path in libraries.iterdir()}
    assert {"libavcodec", "libx264", "libx265"} <= names
    assert sorted(name for name in names if f"`{name}`" not in doc("licences")) == []


def test_ffmpeg_in_the_wheel_of_av_calls_itself_as_documented() -> None:
    licences = {library["license"] for library in av._core.library_meta.values()}
    assert licences == {"LGPL version 3 or later"}
    assert "LGPL version 3 or later" in doc("licences")
