"""Weights of a remote store are fetched once by each machine; all else is always current."""

import logging
from pathlib import Path

import pytest

from app.errors import WeightsError
from app.store.manifest.manifest import Manifest, manifests
from app.store.registry.alias_changes import set_alias
from app.store.registry.aliases import resolve
from app.store.registry.loading import load
from app.store.registry.publishing import publish_folder
from app.store.registry.verification import verify
from app.store.registry.weights import check_ready, read_weights
from app.store.storage.store import Store
from tests.support import tiny
from tests.support.s3_server import Requests
from tests.support.tiny import Place

WEIGHTS = "tiny/1/weights.safetensors"

remotes = pytest.mark.parametrize(
    "place", [pytest.param("s3", marks=pytest.mark.thorough), "other folders"], indirect=True
)


@pytest.fixture
def published(place: Place, prepared_folder: Store, unchecked: None) -> Manifest:
    """The only version in the store."""
    return publish_folder(place.store, prepared_folder)


def cached_files(caches: Path) -> list[Path]:
    """Return the cached files of weights; fsspec's own table lies beside them."""
    return [file for file in (caches / "taggram" / "models").iterdir() if file.name != "cache"]


def cached(caches: Path) -> list[bytes]:
    """Return the contents of the cached files of weights."""
    return [file.read_bytes() for file in cached_files(caches)]


@pytest.mark.parametrize("place", ["s3"], indirect=True)
def test_weights_are_fetched_once_for_all_loads_on_a_machine(
    place: Place,
    published: Manifest,
    s3: Requests,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    def fetches() -> int:
        return len([line for line in s3.lines if line.startswith("GET ") and WEIGHTS in line])

    before = fetches()
    check_ready(place.store, published)
    for _ in range(2):
        load(place.store, published)
        verify(Store(place.store.url), published)
    assert fetches() == before + 1

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "of another machine"))
    load(Store(place.store.url), published)
    assert fetches() == before + 2


@remotes
def test_altered_weights_are_refused_and_not_cached(
    place: Place, published: Manifest, caches: Path
):
    original = place.content()[WEIGHTS]
    place.store.write(WEIGHTS, original[:-1] + b"?")

    for _ in range(2):
        with pytest.raises(WeightsError, match="the SHA-256 of the weights is not"):
            read_weights(place.store, published)
        assert cached(caches) == []

    place.store.write(WEIGHTS, original)
    read_weights(place.store, published)
    assert cached(caches) == [original]


@remotes
def test_weights_that_are_altered_after_they_were_cached_are_refused(
    place: Place, published: Manifest, caches: Path
):
    read_weights(place.store, published)
    place.store.write(WEIGHTS, b"something else")

    with pytest.raises(WeightsError, match="The weights of tiny/1 are altered"):
        check_ready(place.store, published)
    assert cached(caches) == []


@remotes
def test_a_damaged_cache_is_repaired(place: Place, published: Manifest, caches: Path):
    read_weights(place.store, published)
    (copy,) = cached_files(caches)
    copy.write_bytes(copy.read_bytes()[:-1])

    read_weights(place.store, published)
    assert cached(caches) == []
    read_weights(place.store, published)
    assert cached(caches) == [place.content()[WEIGHTS]]


@remotes
def test_an_interrupted_fetch_leaves_nothing_in_the_cache(
    place: Place, published: Manifest, caches: Path, monkeypatch: pytest.MonkeyPatch
):
    def interrupted(path: str, local: str) -> None:
        Path(local).write_bytes(b"half")
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(place.store._files._system, "get_file", interrupted)
        with pytest.raises(KeyboardInterrupt):
            read_weights(place.store, published)

    assert cached(caches) == []


@remotes
def test_without_a_usable_cache_weights_are_read_directly(
    place: Place, published: Manifest, caches: Path, caplog: pytest.LogCaptureFixture
):
    (caches / "taggram").write_text("a file in place of the folder")

    with caplog.at_level(logging.WARNING):
        assert read_weights(place.store, published).keys() == tiny.weights().keys()

    assert f"weights can't be cached in {caches}/taggram/models: " in caplog.text


@remotes
def test_new_versions_and_moved_aliases_are_seen_at_once(
    place: Place, published: Manifest, prepared_folder: Store
):
    reader = Store(place.store.url)
    for number in (2, 3):
        assert publish_folder(place.store, prepared_folder).version == str(number)
        assert resolve(reader, manifests(reader), "tiny").version == str(number)
    for manifest in manifests(reader)["tiny"]:
        set_alias(place.store, manifest.ref, "production")
        assert resolve(reader, manifests(reader), "tiny") == manifest
