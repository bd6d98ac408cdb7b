"""The base of the images cannot change without a commit."""

import re

import pytest

from tests.conftest import REPOSITORY

BASE = re.compile(r"^FROM (\S+:\S+)", re.MULTILINE)
"""Another image; later stages of a build have no tag."""


def bases(name: str) -> set[str]:
    """The images that a Dockerfile starts from."""
    return set(BASE.findall((REPOSITORY / "docker" / name).read_text()))


@pytest.mark.parametrize("name", ["Dockerfile", "Dockerfile.gpu"])
def test_the_base_image_is_pinned_by_digest(name: str) -> None:
    [base] = bases(name)
    assert re.fullmatch(r"python:[\w.-]+@sha256:[0-9a-f]{64}", base)
    assert {base} == bases("Dockerfile")
