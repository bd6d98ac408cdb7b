"""Published versions, and refusals that leave the store unchanged."""

import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from app.domain import ModelRef
from app.errors import SetupError
from app.store.manifest.manifest import manifests, read_store
from app.store.registry.alias_changes import remove
from app.store.registry.loading import load
from app.store.registry.packaging import ModelPackage
from app.store.registry.publishing import publish, publish_folder
from app.store.registry.verification import verify
from app.store.registry.weights import pack, sha256
from app.store.storage.store import Store
from tests.support import tiny
from tests.support.tiny import Place


def edited(folder: Store, change: Callable[[str], str]) -> Store:
    """Change the manifest of a prepared folder."""
    path = folder.folder / "manifest.toml"
    path.write_text(change(path.read_text()))
    return folder


def refused(place: Place, folder: Store, error: type[SetupError] = SetupError) -> str:
    """What `publish` says to a folder; the store stays as it was."""
    before = place.content()
    with pytest.raises(error) as raised:
        publish_folder(place.store, folder)
    assert place.content() == before
    assert "\n" not in str(raised.value)
    return str(raised.value)


@tiny.everywhere
def test_a_trained_model_is_published_and_scores_as_its_manifest_says(place: Place):
    manifest = publish(place.store, tiny.spec(), tiny.weights())

    assert str(manifest.ref) == "tiny/1"
    assert read_store(place.store) == {"tiny": manifest}
    assert sorted(place.content()) == ["tiny/1/manifest.toml", "tiny/1/weights.safetensors"]
    verify(place.store, manifest)
    assert len(set(manifest.golden.mean_scores)) == 3
    for path, array in tiny.weights().items():
        (variable,) = (
            each for each in load(place.store, manifest).network.weights if each.path == path
        )
        np.testing.assert_array_equal(variable, array)


def test_each_model_gets_the_next_version_number_and_earlier_versions_stay(place: Place):
    for number in (1, 2, 3):
        before = place.content()
        manifest = publish(place.store, tiny.spec(), tiny.weights(number))
        assert manifest.version == str(number)
        assert before.items() <= place.content().items()

    assert [each.version for each in manifests(place.store)["tiny"]] == ["1", "2", "3"]


def test_a_folder_is_published_with_its_comments_under_the_next_number(
    place: Place, prepared_folder: Store
):
    edited(prepared_folder, lambda text: f"# Ours.\n{text}")

    for number in ("1", "2"):
        assert publish_folder(place.store, prepared_folder).version == number
        text = place.content()[f"tiny/{number}/manifest.toml"].decode()
        assert text.startswith(f'version = "{number}"\n# Ours.\n')


def test_a_version_is_copied_between_stores_unchanged(place: Place, tmp_path: Path):
    publish(place.store, tiny.spec(version="7"), tiny.weights())
    (tmp_path / "other").mkdir()
    other = Store(tmp_path / "other")

    publish_folder(other, Store(f"{place.store.url}/tiny/7"))

    assert tiny.folder_content(other.folder) == place.content()


def test_a_version_never_changes(place: Place, package: ModelPackage, prepared_folder: Store):
    publish_folder(place.store, prepared_folder)
    other = tiny.spec(version="1", summary="Another.")
    before = place.content()

    message = refused(place, edited(prepared_folder, lambda text: f'version = "1"\n{text}'))
    with pytest.raises(SetupError, match=r"tiny/1 is in .* already"):
        publish(place.store, other, tiny.weights(1))

    assert message.startswith("tiny/1 is in ")
    assert "leave the version out" in message
    assert place.content() == before


@pytest.mark.usefixtures("unchecked")
def test_a_version_number_is_never_reused(place: Place, prepared_folder: Store):
    for _ in range(2):
        publish_folder(place.store, prepared_folder)
    remove(place.store, ModelRef("tiny", "2"))

    assert publish_folder(place.store, prepared_folder).version == "3"
    edited(prepared_folder, lambda text: f'version = "2"\n{text}')
    assert "tiny/2 was removed" in refused(place, prepared_folder)


def lose(folder: Path) -> None:
    (folder / "weights.safetensors").unlink()


def flip_a_bit(folder: Path) -> None:
    data = bytearray((folder / "weights.safetensors").read_bytes())
    data[-1] ^= 1
    (folder / "weights.safetensors").write_bytes(data)


def other_weights(**changes: np.ndarray) -> Callable[[Path], None]:
    def replace(folder: Path) -> None:
        before = sha256((folder / "weights.safetensors").read_bytes())
        data = pack({**tiny.weights(), **changes})
        (folder / "weights.safetensors").write_bytes(data)
        manifest = folder / "manifest.toml"
        manifest.write_text(manifest.read_text().replace(before, sha256(data)))

    return replace


def in_manifest(old: str, new: str) -> Callable[[Path], None]:
    def replace(folder: Path) -> None:
        text = (folder / "manifest.toml").read_text()
        assert old in text
        (folder / "manifest.toml").write_text(text.replace(old, new, 1))

    return replace


BAD = {
    "no folder": (shutil.rmtree, "manifest.toml: there is no such file"),
    "no manifest": (lambda folder: (folder / "manifest.toml").unlink(), "no such file"),
    "a manifest that is not text": (
        lambda folder: (folder / "manifest.toml").write_bytes(b"\xff\xfe"),
        "manifest.toml: ",
    ),
    "no TOML": (in_manifest("[window]", "[window"), "manifest.toml: "),
    "an unknown key": (in_manifest("summary", "sumary"), "manifest.toml: summary: Field"),
    "a version that is none": (
        in_manifest("name = ", 'version = "latest"\nname = '),
        "manifest.toml: version: ",
    ),
    "a version that is a number": (in_manifest("name = ", "version = 1\nname = "), "version: "),
    "a name that leads elsewhere": (in_manifest('"tiny"', '"../tiny"'), "name: "),
    "an unknown architecture": (
        in_manifest('"fcn"', '"fcm"'),
        "'fcm' is not a known architecture; expected one of",
    ),
    "an argument too many": (
        in_manifest("[architecture.arguments]", "[architecture.arguments]\nmels = 3"),
        "architecture.arguments: ",
    ),
    "arguments that can't be": (in_manifest("channels", "channel"), "architecture.arguments: "),
    "a front end that can't be": (in_manifest("f_max = 1000.0", "f_max = 2000.0"), "front_end: "),
    "a hop beyond the window": (
        in_manifest("hop_frames = 16", "hop_frames = 17"),
        "window.hop_frames: 17 is larger than",
    ),
    "a tag twice": (in_manifest('"two"', '"one"'), "named twice: one"),
    "a tag too many": (in_manifest('"two"', '"two", "four"'), "write one for each tag"),
    "no weights": (lose, "weights.safetensors: the weights are missing"),
    "altered weights": (flip_a_bit, "the SHA-256 of the weights is not"),
    "weights that are NaN": (
        other_weights(**{"tags/bias": np.array([0, np.nan, 0], np.float32)}),
        "tags/bias holds numbers that are not finite",
    ),
    "weights that are infinite": (
        other_weights(**{"conv_1/bias": np.array([0, -np.inf], np.float32)}),
        "conv_1/bias holds numbers that are not finite",
    ),
    "weights in doubles": (other_weights(**{"tags/bias": np.zeros(3)}), "tags/bias is float64"),
    "weights for other tags": (
        other_weights(**{"tags/bias": np.zeros(4, np.float32)}),
        "the weights do not fit at tags/bias",
    ),
    "weights too many": (
        other_weights(**{"more/bias": np.zeros(4, np.float32)}),
        "the weights do not fit at more/bias",
    ),
    "other weights": (
        other_weights(**{"tags/bias": np.full(3, 1.0, np.float32)}),
        "from the published ones",
    ),
}


@pytest.mark.parametrize(("spoil", "words"), BAD.values(), ids=BAD)
def test_an_invalid_folder_is_refused_and_the_store_is_unchanged(
    spoil: Callable[[Path], None],
    words: str,
    place: Place,
    package: ModelPackage,
    prepared_folder: Store,
    unchecked_version: None,
):
    spoil(prepared_folder.folder)

    assert words in refused(place, prepared_folder)


@pytest.fixture
def unchecked_version(place: Place, prepared_folder: Store, monkeypatch: pytest.MonkeyPatch):
    """A version that is there before, so that more than emptiness can be spoilt."""
    with monkeypatch.context() as without:
        without.setattr("app.store.registry.publishing.check_file", lambda *_: None)
        publish_folder(place.store, prepared_folder)


@pytest.mark.parametrize(
    ("path", "array", "words"),
    [
        ("tags/bias", np.array([0, np.nan, 0], np.float32), "tags/bias holds numbers"),
        ("tags/bias", np.zeros(3), "tags/bias is float64"),
        ("tags/bias", np.zeros(2, np.float32), "do not fit at tags/bias"),
    ],
)
def test_wrong_weights_are_refused_and_the_store_is_unchanged(
    path: str, array: np.ndarray, words: str, place: Place
):
    with pytest.raises(SetupError, match=words):
        publish(place.store, tiny.spec(), {**tiny.weights(), path: array})

    assert place.content() == {}


def test_weights_that_score_nan_are_refused(place: Place):
    spec, weights = tiny.musicnn()
    tiny.make_scores_nan(weights)

    with pytest.raises(SetupError, match="tiny: 3 of 3 scores of the golden input are NaN"):
        publish(place.store, spec, weights)

    assert place.content() == {}


def test_values_that_toml_cannot_hold_are_refused(place: Place, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("app.store.registry.packaging.golden_scores", lambda _: np.zeros(3))
    monkeypatch.setattr("app.store.registry.packaging.assemble", lambda *_: None)
    unheard_of = tiny.spec(architecture={"name": "fcn", "arguments": {"channels": [None]}})

    with pytest.raises(SetupError, match="tiny: the manifest can't be written"):
        publish(place.store, unheard_of, tiny.weights())

    assert place.content() == {}


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("place", ["folder"], indirect=True)
def test_concurrent_publications_get_different_version_numbers(
    place: Place, package: ModelPackage, tmp_path: Path
):
    folders = []
    for number in range(6):
        text = package.text.replace("A model for tests.", f"Number {number}.")
        other = ModelPackage(text, package.weights, "")
        folders.append(tiny.write(other, tmp_path / f"prepared-{number}"))

    with ThreadPoolExecutor(len(folders)) as pool:
        published = list(pool.map(lambda each: publish_folder(place.store, each), folders))

    assert len({manifest.version for manifest in published}) == len(folders)
    found = {manifest.summary: manifest for manifest in manifests(place.store)["tiny"]}
    assert found == {manifest.summary: manifest for manifest in published}
    for manifest in published:
        data = place.content()[f"{manifest.ref}/weights.safetensors"]
        assert sha256(data) == manifest.weights.sha256
