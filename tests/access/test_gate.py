"""What the operator must have set up before the gate opens."""

from pathlib import Path

import pytest

from app.access.gate import Gate, configured
from app.access.key_file import create_key
from app.errors import SetupError
from app.settings import Settings

SECRET = "a secret of tests, thirty-two or more characters"


def test_without_a_file_of_keys_there_is_nothing_to_set_up() -> None:
    assert not configured(Settings())
    Gate(Settings(), None)


def test_a_file_of_keys_needs_a_secret(tmp_path: Path) -> None:
    create_key(tmp_path / "keys.json", "shop", admin=False)

    with pytest.raises(SetupError, match=r"TAGGRAM_SECRET.*openssl rand -hex 32"):
        Gate(Settings(keys_file=tmp_path / "keys.json"), None)


def test_a_file_of_keys_that_is_not_there_does_not_open_the_gate(tmp_path: Path) -> None:
    settings = Settings(keys_file=tmp_path / "missing.json", secret=SECRET)

    assert configured(settings)
    with pytest.raises(SetupError, match="taggram keys create"):
        Gate(settings, None)
