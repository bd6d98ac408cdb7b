"""The contents of stores, and invalid stores."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from app.domain import ModelRef
from app.errors import ManifestError, SetupError
from app.store.manifest.manifest import manifests, read_store
from app.store.registry.publishing import publish_folder
from app.store.storage.store import Store
from tests.support import tiny
from tests.support.s3_server import forget_connections
from tests.support.tiny import Place

REF = ModelRef("tiny", "2")
FILES = {"weights.safetensors": b"weights", "manifest.toml": b"manifest"}


def test_other_files_in_a_store_are_not_models(place: Place, prepared_folder: Store):
    publish_folder(place.store, prepared_folder)
    base = Path(place.store.url.removeprefix("local://"))
    for path in ("README.md", "tiny/notes.txt", ".git/x/manifest.toml", "a/.b/manifest.toml"):
        if not place.store.url.startswith("s3:"):
            (base / path).parent.mkdir(parents=True, exist_ok=True)
        place.store.write(path, b"something")

    assert place.store.refs() == [ModelRef("tiny", "1")]
    assert list(manifests(place.store)) == ["tiny"]


def test_versions_are_sorted_by_number_and_models_by_name(place: Place):
    for name, version in (("b", "2"), ("b", "10"), ("a", "9"), ("b", "9")):
        with place.store.locked():
            place.store.publish(ModelRef(name, version), FILES)

    assert [str(ref) for ref in place.store.refs()] == ["a/9", "b/2", "b/9", "b/10"]


def test_a_version_behind_a_url_is_seen_as_soon_as_it_is_published(
    place: Place, prepared_folder: Store, unchecked: None
):
    for number in (1, 2, 3):
        publish_folder(Store(place.store.url), prepared_folder)
        assert len(place.store.refs()) == number


CAN_T_BE = {
    "an empty name": ("", "the model store is empty"),
    "an unknown protocol": (
        "sthree://bucket/models",
        "URLs with sthree:// are not supported; use one of ",
    ),
    "a library that is not there": ("gs://bucket/models", "a library is not installed"),
    "no bucket": ("s3://", "the URL has no bucket or folder"),
}


@pytest.mark.parametrize(("url", "words"), CAN_T_BE.values(), ids=CAN_T_BE)
def test_an_invalid_store_is_refused_in_one_line(url: str, words: str, s3: None):
    with pytest.raises(SetupError) as refused:
        Store(url)

    assert words in str(refused.value)
    assert "\n" not in str(refused.value)


def test_without_the_library_for_s3_the_message_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setitem(sys.modules, "s3fs", None)
    monkeypatch.delitem(sys.modules["fsspec.registry"]._registry, "s3", raising=False)

    with pytest.raises(SetupError, match=r"s3://bucket/models: .*`pip install taggram\[s3\]`"):
        Store("s3://bucket/models")


def read(store: Store) -> None:
    read_store(store)


def write(store: Store) -> None:
    with store.locked():
        store.publish(REF, FILES)


@pytest.mark.parametrize("act", [read, write])
def test_a_missing_bucket_is_refused_with_its_url(act: Callable[[Store], None], s3: None):
    store = Store("s3://nowhere/models")

    with pytest.raises(SetupError, match=r"^s3://nowhere/models") as refused:
        act(store)

    assert "\n" not in str(refused.value)
    with pytest.raises(SetupError, match="bucket does not exist"):
        write(store)


@pytest.mark.parametrize("act", [read, pytest.param(write, marks=pytest.mark.thorough)])
@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}, "Could not connect to the endpoint URL"),
        ({"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}, "Unable to locate credentials"),
    ],
)
def test_an_unreachable_object_store_is_refused_in_one_line(
    wrong: dict[str, str],
    words: str,
    act: Callable[[Store], None],
    s3: None,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    for name, value in wrong.items():
        monkeypatch.setenv(name, value) if value else monkeypatch.delenv(name)
    forget_connections()
    store = Store("s3://bucket/models")

    with pytest.raises(SetupError, match=r"^s3://bucket/models.*: can't be ") as refused:
        act(store)
    forget_connections()

    assert words in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_password_in_a_url_is_not_shown():
    store = Store("memory://operator:hunter2@host/models")

    with pytest.raises(ManifestError) as refused:
        read_store(store)

    assert str(refused.value).startswith("memory://***@host/models: no model is published here")


@pytest.mark.parametrize("make", [lambda path: path / "a" / "b", lambda path: path / "file"])
def test_a_folder_that_cannot_be_created_is_refused(make: Callable[[Path], Path], tmp_path: Path):
    (tmp_path / "file").write_text("something")
    before = tiny.folder_content(tmp_path)

    with pytest.raises(SetupError, match=f"{make(tmp_path)}: can't be written: "):
        write(Store(make(tmp_path)))

    assert tiny.folder_content(tmp_path) == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read and write everything")
@pytest.mark.parametrize(("mode", "act"), [(0o000, read), (0o500, write)])
def test_a_folder_without_permission_is_refused(
    mode: int, act: Callable[[Store], None], tmp_path: Path
):
    tmp_path.chmod(mode)
    try:
        with pytest.raises(SetupError, match=f"{tmp_path}.*: can't be .*: Permission denied"):
            act(Store(tmp_path))
    finally:
        tmp_path.chmod(0o700)


def test_the_first_publication_creates_the_folder(tmp_path: Path, prepared_folder: Store):
    store = Store(f"file://{tmp_path}/new")

    publish_folder(store, prepared_folder)

    assert store.folder == tmp_path / "new"
    assert (tmp_path / "new" / "tiny" / "1" / "manifest.toml").stat().st_mode & 0o777 == 0o644
    assert (tmp_path / "new" / "tiny").stat().st_mode & 0o777 == 0o755


def test_a_replaced_file_keeps_its_read_permissions(tmp_path: Path):
    (tmp_path / "tiny").mkdir()
    store = Store(tmp_path)

    for data in (b"one", b"two"):
        store.write("tiny/aliases.json", data)
        assert (tmp_path / "tiny" / "aliases.json").stat().st_mode & 0o777 == 0o644
        assert store.read("tiny/aliases.json") == data
    assert [path.name for path in tmp_path.iterdir()] == ["tiny"]


def test_reading_a_path_that_is_not_a_file_is_refused_with_its_path(tmp_path: Path):
    (tmp_path / "tiny").mkdir()

    with pytest.raises(SetupError, match=f"{tmp_path}/tiny: can't be read: Is a directory"):
        Store(tmp_path).read("tiny")
