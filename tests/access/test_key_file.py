"""The key file: its content, its permissions, and concurrent writers."""

import json
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app.access.key_file import create_key, read_keys, revoke_key
from app.access.keys import KEY
from app.errors import SetupError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "keys.json"


def test_a_key_has_the_form_that_scanners_look_for_and_is_unique(file: Path) -> None:
    keys = {create_key(file, name, admin=False) for name in ("a", "b")}

    assert len(keys) == 2
    assert all(KEY.fullmatch(key) for key in keys)


def test_the_file_holds_no_usable_keys(file: Path) -> None:
    secret = create_key(file, "shop", admin=False).rpartition("_")[2]

    assert secret not in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_the_stored_hash_matches_its_key_and_no_other(file: Path) -> None:
    shop, boss = create_key(file, "shop", admin=False), create_key(file, "boss", admin=True)

    kept = {key.name: key for key in read_keys(file)}

    assert [kept["shop"].matches(key) for key in (shop, boss, shop[:-1])] == [True, False, False]
    assert [kept["boss"].matches(key) for key in (shop, boss)] == [False, True]
    assert (kept["shop"].admin, kept["boss"].admin) == (False, True)


def test_a_revoked_key_stays_in_the_list_and_keeps_its_name(file: Path) -> None:
    create_key(file, "shop", admin=False)
    revoke_key(file, "shop")

    (kept,) = read_keys(file)
    assert kept.revoked
    assert kept.revoked >= kept.created
    with pytest.raises(SetupError, match="already"):
        create_key(file, "shop", admin=False)
    with pytest.raises(SetupError, match="already"):
        revoke_key(file, "shop")
    with pytest.raises(SetupError, match="No key is named 'nobody'"):
        revoke_key(file, "nobody")


@pytest.mark.parametrize("name", ["", "Shop", "a b", "-a", "a/b", "a\n", "ä", "a" * 41, "\x1b[2J"])
def test_a_name_unsuitable_for_logs_is_refused(name: str, file: Path) -> None:
    with pytest.raises(SetupError, match="is not a valid name of a key") as refused:
        create_key(file, name, admin=False)

    assert str(refused.value).isprintable()
    assert not file.exists()


def test_concurrent_writers_lose_nothing_and_readers_see_whole_files(
    file: Path,
) -> None:
    names = [f"key-{index}" for index in range(20)]
    create_key(file, "first", admin=False)

    with ThreadPoolExecutor(8) as pool:
        writing = [pool.submit(create_key, file, name, admin=False) for name in names]
        while not all(task.done() for task in writing):
            assert read_keys(file)
        for task in writing:
            task.result()

    assert {key.name for key in read_keys(file)} == {"first", *names}
    assert {path.name for path in file.parent.iterdir()} == {"keys.json", "keys.json.lock"}


def test_a_link_stays_a_link_and_the_file_keeps_its_permissions(file: Path, tmp_path: Path) -> None:
    if os.getuid():
        pytest.skip("only root can give files away")
    real = tmp_path / "elsewhere" / "real.json"
    real.parent.mkdir()
    create_key(real, "a", admin=False)
    os.chown(real, 12_345, 12_345)
    file.symlink_to(real)

    create_key(file, "b", admin=False)

    assert file.is_symlink()
    assert {key.name for key in read_keys(real)} == {"a", "b"}
    assert (real.stat().st_uid, real.stat().st_gid) == (12_345, 12_345)


GOOD = {
    "name": "shop",
    "id": "0" * 12,
    "sha256": "0" * 64,
    "created": "2026-01-01T00:00:00Z",
}


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{",
        '{"keys": null}',
        json.dumps({"keys": [GOOD], "more": 1}),
        json.dumps({"keys": [GOOD, GOOD]}),
        json.dumps({"keys": [GOOD, {**GOOD, "name": "another"}]}),
        json.dumps({"keys": [{**GOOD, "sha256": "hunter2hunter2"}]}),
        json.dumps({"keys": [{**GOOD, "name": "\x1b[2J"}]}),
        json.dumps({"keys": [{**GOOD, "created": "2026-01-01T00:00:00"}]}),
    ],
)
def test_a_broken_file_is_refused_in_one_line_and_left_as_it_is(content: str, file: Path) -> None:
    file.write_text(content)

    with pytest.raises(SetupError, match="is not a valid file of keys") as refused:
        create_key(file, "new", admin=False)

    assert str(refused.value).isprintable()
    assert "hunter2" not in str(refused.value)
    assert file.read_text() == content


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="can't be written: No such file"):
        create_key(tmp_path / "nowhere" / "keys.json", "shop", admin=False)
