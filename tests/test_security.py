"""The limits in SECURITY.md agree with the settings."""

import json
import re

from app.settings import Settings
from tests.conftest import REPOSITORY

SECURITY = (REPOSITORY / "SECURITY.md").read_text()
ROWS = re.findall(r"^\| `TAGGRAM_([A-Z0-9_]+)` \| `(.+?)` \|", SECURITY, re.MULTILINE)
LIMIT = re.compile(r"^(max|min)_(?!batch|wait)|_(timeout|deadline|ttl)_s$|_per_minute$|^deadline")
"""Names of settings that are limits; the two others say how batches are made."""


def test_each_limit_has_the_default_that_is_listed() -> None:
    assert ROWS
    for name, default in ROWS:
        assert json.loads(default) == Settings.model_fields[name.lower()].default, name


def test_every_limit_is_listed() -> None:
    listed = {name.lower() for name, _ in ROWS}
    assert {name for name in Settings.model_fields if LIMIT.search(name)} <= listed
