"""Packages that were damaged, or made to do damage, are refused with the name of what is wrong."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from app.errors import ManifestError, SetupError, WeightsError
from app.recommender.models.base import Training
from app.recommender.models.linear import Linear
from app.recommender.serving.contents import collect_contents
from app.recommender.serving.publishing import publish_recommender
from app.recommender.serving.recommender import load_recommender, open_recommender
from app.recommender.simulation.simulate import Simulation
from app.store.manifest.manifest import Weights
from app.store.manifest.recommender import RecommenderManifest
from app.store.registry.packaging import package_model
from app.store.registry.publishing import publish_package
from app.store.registry.weights import pack, read_file, sha256, unpack_any
from app.store.storage.store import Store
from tests.recommender.serving.conftest import Published, make_spec
from tests.support import tiny

Arrays = dict[str, npt.NDArray[Any]]
Change = Callable[[Arrays], object]


def reopen(published: Published, data: bytes, **changes: object) -> None:
    """Open a package with other arrays, whose hash is in its manifest, and other fields."""
    weights = Weights(file="weights.safetensors", sha256=sha256(data))
    values = {**published.recommender.manifest.model_dump(), "weights": weights, **changes}
    open_recommender(RecommenderManifest.model_validate(values), data, "made/1")


@pytest.fixture
def arrays(linear_tags: Published) -> Arrays:
    data = read_file(linear_tags.store, linear_tags.recommender.manifest)
    return {name: array.copy() for name, array in unpack_any(data, "").items()}


def text(value: str) -> npt.NDArray[np.uint8]:
    return np.frombuffer(value.encode(), np.uint8)


def spoil(name: str, value: float, place: int = 0) -> Change:
    return lambda arrays: arrays[name].reshape(-1).__setitem__(place, value)


def replace(name: str, value: npt.NDArray[Any]) -> Change:
    return lambda arrays: arrays.__setitem__(name, value)


LONG = '["' + "x" * 1001 + '"]'
HOSTILE: dict[str, tuple[Change, str]] = {
    "missing": (lambda arrays: arrays.pop("space.mean"), "space.mean is missing"),
    "not finite": (spoil("curators.accepted", np.nan), "curators.accepted holds numbers that are"),
    "infinite weight": (spoil("model.weights", np.inf), "model.weights is float64, or holds"),
    "other type": (
        lambda arrays: arrays.update({"tracks.scores": arrays["tracks.scores"].astype(float)}),
        "tracks.scores is float64 of the shape .* expected float32",
    ),
    "other shape": (
        lambda arrays: arrays.update({"curators.liked": arrays["curators.liked"][:-1]}),
        "curators.liked is uint8 of the shape .* expected",
    ),
    "other weights": (
        lambda arrays: arrays.update({"model.weights": arrays["model.weights"][:-1]}),
        r"model.weights: its shape is \(6,\); expected \(7,\)",
    ),
    "further weights": (replace("model.more", np.zeros(1)), "model.more: its shape"),
    "further array": (replace("more", np.zeros(1)), "more is not an array of a recommender"),
    "score above 1": (spoil("tracks.scores", 2), "tracks.scores holds numbers from 0.* to 2"),
    "unknown country": (spoil("curators.countries", 999), "curators.countries holds numbers"),
    "spread of 0": (spoil("space.spread", 0), "space.spread has numbers up to 0"),
    "unknown track": (spoil("accepted.rows", 10**9), "accepted.rows holds numbers"),
    "negative track": (spoil("accepted.rows", -1), "accepted.rows holds numbers from -1"),
    "ends that fall": (spoil("accepted.ends", 10**9), "accepted.ends does not divide"),
    "no JSON": (replace("curators.ids", text("[")), "curators.ids is not valid JSON"),
    "nested JSON": (replace("curators.ids", text("[" * 10**5)), "curators.ids is not valid JSON"),
    "no list": (replace("curators.ids", text('{"a": 1}')), "curators.ids is not a list of texts"),
    "a number": (replace("curators.ids", text("[1]")), "curators.ids is not a list of texts"),
    "a long id": (replace("curators.ids", text(LONG)), "of 1 to 1,000 characters"),
    "half a character": (replace("countries", text(r'["\ud800"]')), "countries is not a list"),
    "an id twice": (replace("countries", text('["a", "a"]')), "countries has 2 texts, 1 of them"),
    "too few ids": (replace("curators.ids", text('["a"]')), "expected 150 distinct ones"),
    "ids without a use": (replace("artists.ids", text('["a"]')), "artists.ids has 1 ids; expect"),
    "other answers": (spoil("model.weights", 9), "golden request 1 are not those published"),
    "huge weights": (spoil("model.weights", 1e308), "golden request 1 are not those published"),
}


@pytest.mark.filterwarnings("ignore:overflow:RuntimeWarning")
@pytest.mark.parametrize("kind", HOSTILE)
def test_arrays_that_are_not_what_they_have_to_be_are_named(
    kind: str, linear_tags: Published, arrays: Arrays
) -> None:
    change, why = HOSTILE[kind]
    change(arrays)

    with pytest.raises(WeightsError, match=f"made/1.*{why}|linear-tags/1.*{why}"):
        reopen(linear_tags, pack(arrays))


def test_unchanged_arrays_are_accepted(linear_tags: Published, arrays: Arrays) -> None:
    reopen(linear_tags, pack(arrays))


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"model": "als"}, "model: 'als' can't be served"),
        ({"model": "linear"}, "tags: the model linear has none; expected the same"),
    ],
)
def test_a_manifest_that_does_not_fit_is_refused(
    linear_tags: Published, arrays: Arrays, changes: dict[str, object], why: str
) -> None:
    with pytest.raises(ManifestError, match=why):
        reopen(linear_tags, pack(arrays), **changes)


def test_a_file_that_is_not_safetensors_is_refused(linear_tags: Published) -> None:
    with pytest.raises(WeightsError, match="not a valid safetensors file"):
        reopen(linear_tags, b"\x80\x04pickle")


@pytest.fixture
def copied(linear_tags: Published, tmp_path: Path) -> Path:
    """A store with the same version."""
    assert linear_tags.store.folder
    source, version = linear_tags.store.folder / "linear-tags" / "1", tmp_path / "linear-tags" / "1"
    version.mkdir(parents=True)
    for each in source.iterdir():
        (version / each.name).write_bytes(each.read_bytes())
    return version


def test_a_changed_file_is_refused_by_its_hash(copied: Path) -> None:
    path = copied / "weights.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)

    with pytest.raises(WeightsError, match="the SHA-256 of the weights is not that of the manife"):
        load_recommender(Store(copied.parent.parent), "linear-tags")


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ('name = "linear-tags"', 'name = "other"', "is the manifest of other/1; expected linear"),
        ("tolerance = ", "tolerances = ", "golden.tolerance: Field required"),
        ("curators = 150", "curators = 3", "there is no curator"),
        (
            '"ambient",\n    "ambient elect',
            '"ambient",\n    "ambient",\n    "elect',
            "twice: ambient",
        ),
    ],
)
def test_a_manifest_that_is_not_valid_is_refused(
    copied: Path, old: str, new: str, why: str
) -> None:
    path = copied / "recommender.toml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))

    with pytest.raises(ManifestError, match=why):
        load_recommender(Store(copied.parent.parent), "linear-tags")


def test_a_recommender_and_a_tagger_have_different_names(
    simulation: Simulation, all_interactions: Training, tmp_path: Path
) -> None:
    store, model = Store(tmp_path), Linear(has_tags=False)
    model.fit(all_interactions)
    contents = collect_contents(simulation.platform, None, model)
    package = package_model(tiny.spec(), tiny.weights())
    publish_recommender(store, make_spec(simulation, model, "curators"), contents)
    publish_package(store, package)

    with pytest.raises(SetupError, match="have different names"):
        publish_recommender(store, make_spec(simulation, model, package.name), contents)
    publish_recommender(store, make_spec(simulation, model, "curators"), contents)
    assert load_recommender(store, "curators").manifest.version == "2"
    assert [ref.name for ref in store.refs()] == [package.name]


def test_a_name_that_is_not_valid_is_refused(
    simulation: Simulation, all_interactions: Training, tmp_path: Path
) -> None:
    model = Linear(has_tags=False)
    model.fit(all_interactions)
    contents = collect_contents(simulation.platform, None, model)
    spec = make_spec(simulation, model, "curators").model_copy(update={"name": "../curators"})

    with pytest.raises(SetupError, match="can't name a recommender"):
        publish_recommender(Store(tmp_path), spec, contents)
    assert list(tmp_path.iterdir()) == []
