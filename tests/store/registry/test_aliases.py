"""What is in production: promoted, rolled back, removed, and served."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from app.domain import ModelRef
from app.errors import SetupError
from app.store.manifest.manifest import manifests
from app.store.registry.alias_changes import remove, rollback, set_alias
from app.store.registry.aliases import PRODUCTION, read_aliases, resolve
from app.store.registry.publishing import promote, publish_folder
from app.store.storage.store import Store
from tests.support.tiny import Content, Place, everywhere, files


def ref(version: int | str) -> ModelRef:
    return ModelRef("tiny", str(version))


@pytest.fixture
def three(place: Place, prepared_folder: Store, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A store with three versions of a model, and none in production."""
    with monkeypatch.context() as without:
        without.setattr("app.store.registry.publishing.check_file", lambda *_: None)
        for _ in range(3):
            publish_folder(place.store, prepared_folder)
    return place


@pytest.fixture
def tries(unchecked: None) -> None:
    """Lets versions be promoted without a check of their scores."""


def in_production(place: Place) -> str:
    return resolve(place.store, manifests(place.store), "tiny").version


def refused(place: Place, action: Callable[[], object], content: Content | None = None) -> str:
    before = place.content() if content is None else content
    with pytest.raises(SetupError) as raised:
        action()
    assert place.content() == before
    assert "\n" not in str(raised.value)
    return str(raised.value)


def test_without_an_alias_the_newest_version_is_served(three: Place):
    assert in_production(three) == "3"


def test_a_promoted_version_is_served_instead_of_newer_ones(three: Place, prepared_folder: Store):
    manifest = promote(three.store, "tiny/1")

    assert manifest.ref == ref(1)
    assert in_production(three) == "1"
    assert publish_folder(three.store, prepared_folder).version == "4"
    assert in_production(three) == "1"


@pytest.mark.usefixtures("tries")
def test_rollbacks_go_back_through_the_promoted_versions(three: Place):
    for version in (2, 1, 1, 3):  # twice the same is once
        promote(three.store, f"tiny/{version}")

    assert rollback(three.store, "tiny") == ref(1)
    assert in_production(three) == "1"
    assert rollback(three.store, "tiny") == ref(2)
    assert in_production(three) == "2"
    said = refused(three, lambda: rollback(three.store, "tiny"))
    assert said == "tiny/2 is the first in production; there is no version to roll back to"


@pytest.mark.usefixtures("tries")
def test_each_alias_has_its_own_history(three: Place):
    promote(three.store, "tiny/1")
    promote(three.store, "tiny/2", "staging")
    promote(three.store, "tiny/3", "staging")
    rollback(three.store, "tiny", "staging")
    promote(three.store, "tiny/staging")

    published = manifests(three.store)
    assert in_production(three) == "2"
    assert resolve(three.store, published, "tiny/staging").version == "2"
    assert resolve(three.store, published, "tiny/3").version == "3"
    assert read_aliases(three.store, "tiny").pointing("2") == [PRODUCTION, "staging"]


def test_a_version_that_does_not_score_as_published_is_not_promoted(three: Place):
    promote(three.store, "tiny/1")
    path = "tiny/2/manifest.toml"
    text = three.content()[path].decode()
    corrupted = text.replace("tolerance = 5e-05", "tolerance = 1e-20")
    assert corrupted != text
    three.store.write(path, corrupted.encode())

    message = refused(three, lambda: promote(three.store, "tiny/2"))

    assert message.startswith("tiny/2: the golden input's scores differ by")
    assert in_production(three) == "1"


def test_a_version_without_its_weights_is_not_promoted(three: Place):
    three.store.write("tiny/2/weights.safetensors", b"something else")

    assert "the SHA-256 of the weights is not" in refused(
        three, lambda: promote(three.store, "tiny/2")
    )


UNKNOWN = {
    "promote an unknown model": (
        lambda store: promote(store, "tinny/1"),
        "'tinny/1' is not published in {url}; expected one of tiny",
    ),
    "promote an unknown version": (
        lambda store: promote(store, "tiny/4"),
        "'tiny/4' is not published in {url}; expected one of tiny/1, tiny/2, tiny/3",
    ),
    "promote what leads elsewhere": (lambda store: promote(store, "../tiny/1"), "'../tiny/1' is"),
    "point to an unknown version": (lambda store: set_alias(store, ref(4), "a"), "'tiny/4' is not"),
    "an alias that is a version": (
        lambda store: set_alias(store, ref(1), "2"),
        "'2' can't name an",
    ),
    "an alias in capitals": (
        lambda store: set_alias(store, ref(1), "Prod"),
        "'Prod' can't name an",
    ),
    "an alias without a name": (
        lambda store: set_alias(store, ref(1), ""),
        "'' can't name an alias",
    ),
    "roll back what was not promoted": (
        lambda store: rollback(store, "tiny"),
        "tiny has no version in production; `taggram models promote` puts one there",
    ),
    "roll back an unknown model": (lambda store: rollback(store, "tinny"), "'tinny' is not"),
    "roll back what leads elsewhere": (lambda store: rollback(store, "../x"), "'../x' is not"),
    "remove an unknown model": (lambda store: remove(store, ModelRef("a", "1")), "'a' is not"),
    "remove an unknown version": (lambda store: remove(store, ref(4)), "'tiny/4' is not"),
    "remove all versions": (lambda store: remove(store, ref("")), "'tiny/' is not"),
    "remove what leads elsewhere": (lambda store: remove(store, ref("..")), "'tiny/..' is not"),
}


@pytest.mark.parametrize(("action", "words"), UNKNOWN.values(), ids=UNKNOWN)
def test_a_missing_version_is_refused_and_the_store_is_unchanged(
    action: Callable[[Store], object], words: str, three: Place
):
    lock = Path(three.store.url) / ".lock"
    lock.unlink(missing_ok=True)

    message = refused(three, lambda: action(three.store))

    assert message.startswith(words.format(url=three.store.url))
    assert not lock.exists(), "not even that is left"


@pytest.mark.usefixtures("tries")
def test_a_served_version_is_not_removed(three: Place):
    promote(three.store, "tiny/2")
    promote(three.store, "tiny/2", "staging")

    message = refused(three, lambda: remove(three.store, ref(2)))

    assert message == (
        "tiny/2 is in production and staging; promote another version first, or roll back"
    )


@everywhere
@pytest.mark.usefixtures("tries")
def test_a_removed_version_is_deleted_and_never_a_target_of_a_rollback(three: Place):
    for version in (1, 2, 1, 3, 2):
        promote(three.store, f"tiny/{version}")
    promote(three.store, "tiny/1")
    kept = files(three.content(), ref(1))

    remove(three.store, ref(2))

    assert files(three.content(), ref(2)) == {}
    assert files(three.content(), ref(1)) == kept
    assert [each.version for each in manifests(three.store)["tiny"]] == ["1", "3"]
    assert rollback(three.store, "tiny") == ref(3)
    assert rollback(three.store, "tiny") == ref(1)
    refused(three, lambda: rollback(three.store, "tiny"))


def test_an_interrupted_removal_is_finished_by_the_next(
    three: Place, monkeypatch: pytest.MonkeyPatch
):
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as cut:
        cut.setattr(Store, "remove", interrupted)
        with pytest.raises(KeyboardInterrupt):
            remove(three.store, ref(2))
    assert len(manifests(three.store)["tiny"]) == 3

    remove(three.store, ref(2))

    assert files(three.content(), ref(2)) == {}
    assert read_aliases(three.store, "tiny").removed == ("2",)


@pytest.mark.usefixtures("tries")
def test_a_rollback_to_weights_that_are_lost_is_refused(three: Place):
    promote(three.store, "tiny/1")
    promote(three.store, "tiny/2")
    three.store.write("tiny/1/weights.safetensors", b"something else")

    message = refused(three, lambda: rollback(three.store, "tiny"))

    assert message.startswith("The weights of tiny/1 are altered; restore them from")


@pytest.mark.parametrize(
    ("data", "where"),
    [
        (b"", "all: "),
        (b"{", "all: "),
        (b"[]", "all: "),
        (b'{"aliases": {"production": []}}', "aliases.production: "),
        (b'{"aliases": {"production": [1]}}', "aliases.production.0: "),
        (b'{"aliases": {"7": ["1"]}}', "aliases.7."),
        (b'{"production": ["1"]}', "production: "),
        (b"[" * 100_000, "all: "),
        (b'{"aliases": {"production": ["\xff"]}}', ""),
    ],
)
def test_an_invalid_file_of_aliases_is_refused_with_its_path(data: bytes, where: str, three: Place):
    three.store.write("tiny/aliases.json", data)

    said = refused(three, lambda: resolve(three.store, manifests(three.store), "tiny"))

    assert said.startswith(f"{three.store.url}/tiny/aliases.json: {where}")


def test_an_alias_of_a_deleted_version_is_refused(three: Place):
    three.store.write("tiny/aliases.json", b'{"aliases": {"production": ["9"]}}')

    said = refused(three, lambda: resolve(three.store, manifests(three.store), "tiny"))

    assert said.endswith("; expected one of tiny/1, tiny/2, tiny/3, tiny/production")


@pytest.mark.parametrize("place", ["folder"], indirect=True)
def test_two_concurrent_promotions_are_both_recorded(three: Place):
    both = Barrier(2)

    def promote_at_once(version: int) -> None:
        both.wait(300)
        set_alias(Store(three.store.url), ref(version), PRODUCTION)

    for _ in range(20):
        before = read_aliases(three.store, "tiny").aliases.get(PRODUCTION, ())
        with ThreadPoolExecutor(2) as pool:
            versions = (1, 2) if before[-1:] in {(), ("3",)} else (3, 3)
            list(pool.map(promote_at_once, versions))
        after = read_aliases(three.store, "tiny").aliases[PRODUCTION]
        assert after[: len(before)] == before
        assert sorted(after[len(before) :]) == sorted({str(version) for version in versions})
