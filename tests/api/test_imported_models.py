"""Networks of other projects over HTTP: heads, their backbone, and their licences."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from app.audio.limits import AudioLimits
from app.store.manifest.manifest import read_store
from app.store.registry.imported import compute_outputs, cut_windows, load_imported
from app.store.storage.store import Store
from testing.server import Server, serving
from testing.sounds import decoded
from tests.support import network_imports
from tests.support.client import answer, post

pytestmark = pytest.mark.thorough

TAGS = ("rock", "metal", "jazz")


@pytest.fixture(scope="module")
def networks(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A store with a backbone and two heads, one of which knows the tags of a family."""
    place = tmp_path_factory.mktemp("networks")
    (place / "store").mkdir()
    store = Store(place / "store")
    with network_imports.converting_here():
        network_imports.import_backbone(
            store, place, licence="CC BY-NC-SA 4.0", commercial_use=False
        )
        network_imports.import_head(store, place, "genres", TAGS, family="msd")
        network_imports.import_head(store, place, "second")
    return store


@pytest.fixture(scope="module")
def imported(networks: Store, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of both heads; the backbone is not among its models."""
    settings = {
        "TAGGRAM_MODEL_STORE": networks.url,
        "TAGGRAM_MODELS": '["genres", "second"]',
        "TAGGRAM_PRECISION": "float32",
    }
    with serving(tmp_path_factory.mktemp("imported") / "log", settings) as running:
        yield running


def test_heads_are_served_with_the_embedding_of_their_backbone(
    imported: Server, networks: Store, clip: Path
):
    answered = answer(post(imported, clip, vocabulary="genres"))

    assert {"name": "genres", "version": "1"} in answered["models"]
    query = {"track_id": answered["track_id"], "model": "genres"}
    shown = answer(imported.http.get("/taggram", params=query))
    models = read_store(networks)
    backbone = load_imported(networks, models["backbone"])
    windows = cut_windows(models["backbone"], decoded(clip, AudioLimits(2000, 0.5, 60.0)))
    embeddings = compute_outputs(backbone.network, windows)[:, -network_imports.WIDTH :]
    expected = network_imports.head_scores(embeddings)
    assert set(shown["tags"]) == {"jazz", "metal"}
    raw = expected[:, [TAGS.index(tag) for tag in shown["tags"]]]
    scores = np.array(shown["scores"])  # of the vocabulary, which rise with the raw ones
    assert scores.shape == raw.shape
    assert scores.argmax(axis=0).tolist() == raw.argmax(axis=0).tolist()
    assert scores.argmin(axis=0).tolist() == raw.argmin(axis=0).tolist()


def test_models_show_whether_commercial_use_is_allowed(imported: Server):
    listed = {each["name"]: each for each in answer(imported.http.get("/models"))}

    assert listed["genres"]["licence"] == "CC0-1.0"
    assert listed["genres"]["commercial_use"] is True
