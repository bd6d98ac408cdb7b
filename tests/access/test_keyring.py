"""The keys of a running service: as the file is now, or as it last was good."""

import logging
from pathlib import Path

import pytest

from app.access.key_file import create_key, revoke_key
from app.access.keyring import Keyring
from app.errors import SetupError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "keys.json"


@pytest.fixture
def key(file: Path) -> str:
    return create_key(file, "shop", admin=False)


@pytest.fixture
def keyring(file: Path, key: str) -> Keyring:
    return Keyring(file)


def found(keyring: Keyring, key: str) -> str | None:
    kept = keyring.find(key)
    return kept and kept.name


def test_a_key_is_found_and_nothing_that_resembles_it(keyring: Keyring, key: str) -> None:
    last = "0" if key[-1] != "0" else "1"

    assert found(keyring, key) == "shop"
    for other in ("", key[:-1], key[:-1] + last, key + "0", key.upper(), f"{key} ", f"{key}\n"):
        assert found(keyring, other) is None, other


def test_keys_come_and_go_with_the_file(keyring: Keyring, key: str, file: Path) -> None:
    new = create_key(file, "new", admin=False)
    assert found(keyring, new) == "new"
    assert keyring.is_valid("new")

    revoke_key(file, "new")
    assert found(keyring, new) is None
    assert not keyring.is_valid("new")
    assert found(keyring, key) == "shop"


def break_off(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-10])


def become_a_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


@pytest.mark.parametrize("spoil", [break_off, become_a_folder, Path.unlink])
def test_a_file_that_becomes_invalid_is_logged_once_and_the_last_valid_keys_stay(
    spoil, keyring: Keyring, key: str, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    spoil(file)

    with caplog.at_level(logging.ERROR):
        assert [found(keyring, key) for _ in range(3)] == ["shop"] * 3

    assert len(caplog.records) == 1
    assert "stay in use" in caplog.messages[0]


def test_a_repaired_file_is_used_again(keyring: Keyring, key: str, file: Path) -> None:
    good = file.read_bytes()
    break_off(file)
    assert found(keyring, key) == "shop"
    file.write_bytes(good)
    revoke_key(file, "shop")

    assert found(keyring, key) is None


def test_the_start_fails_without_the_file(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="create it with `taggram keys create NAME`"):
        Keyring(tmp_path / "missing.json")
