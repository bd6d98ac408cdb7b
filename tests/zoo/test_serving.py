"""Every architecture serves: short and long windows, raw audio and melgrams, two sample rates."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from app.models import architectures
from app.store.manifest.manifest import Manifest, read_store
from app.store.storage.store import Store
from testing.server import Server, serving
from tests.support.client import answer, noise_file, post, series
from tests.zoo.conftest import manifest_of, model_name

pytestmark = pytest.mark.thorough

AT_ONCE = 3
"""Models in memory: fewer than are served, so that models are evicted."""


@pytest.fixture(scope="module")
def models(zoo: Store) -> dict[str, Manifest]:
    return read_store(zoo)


@pytest.fixture(scope="module")
def server(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    settings = {
        "TAGGRAM_MODEL_STORE": str(folder),
        "TAGGRAM_MODELS": json.dumps([model_name(each) for each in architectures()]),
        "TAGGRAM_MAX_LOADED_MODELS": str(AT_ONCE),
    }
    with serving(tmp_path_factory.mktemp("zoo-server") / "log", settings, start_s=300) as running:
        yield running


def windows(manifest: Manifest, duration_s: float) -> int:
    """How many a track of this length has, with one for a rest of more than a tenth of a hop."""
    window_spec, front = manifest.window_spec, manifest.front_end
    last = front.frames(round(duration_s * front.sample_rate)) - window_spec.window_frames
    hops, rest = divmod(max(0, last), window_spec.hop_frames)
    return 1 + hops + (10 * rest > window_spec.hop_frames)


@pytest.mark.parametrize("architecture", architectures())
def test_tags_and_a_taggram_are_given_for_a_real_file(
    architecture: str, server: Server, models: dict[str, Manifest], clip: Path
):
    manifest = manifest_of(models, architecture)
    parameters = {"vocabulary": "raw", "model": manifest.name}

    body = answer(post(server, clip, **parameters, top_k=20))
    shown = answer(server.http.get("/taggram", params={**parameters, "track_id": body["track_id"]}))

    assert body["model"] == {"name": manifest.name, "version": "1"}
    assert body["confidence"] == "unknown"
    scores = [suggestion["score"] for suggestion in body["suggestions"]]
    assert len(scores) == 20
    assert scores == sorted(scores, reverse=True)
    assert np.ptp(scores) > 1e-4
    assert shown["window_s"] == pytest.approx(manifest.window_spec.window_s)
    assert shown["hop_s"] == pytest.approx(manifest.window_spec.hop_s)
    assert np.shape(shown["scores"]) == (windows(manifest, body["duration_s"]), 50)
    means = dict(zip(shown["tags"], np.mean(shown["scores"], axis=0), strict=True))
    for suggestion in body["suggestions"]:
        assert means[suggestion["tag"]] == pytest.approx(suggestion["score"], abs=2e-6)


def test_the_number_of_loaded_models_is_bounded_and_cached_tracks_need_no_model(
    server: Server, models: dict[str, Manifest], clip: Path
):
    first, *_, last = models
    for name in (first, last):
        answer(post(server, clip, vocabulary="raw", model=name))
    for name in list(models)[1 : AT_ONCE + 2]:
        answer(post(server, noise_file(4), vocabulary="raw", model=name))

    listed = {model["name"]: model for model in server.http.get("/models").json()}
    again = answer(post(server, clip, vocabulary="raw", model=first))
    still = {model["name"]: model for model in server.http.get("/models").json()}

    assert sum(model["in_memory"] for model in listed.values()) == AT_ONCE
    assert series(server)["taggram_models_in_memory", frozenset()] == AT_ONCE
    assert not listed[first]["in_memory"]
    assert again["cached"]
    assert not still[first]["in_memory"]
    assert {model["engine"] for model in listed.values()} <= {"openvino", "tensorflow"}


def test_models_of_two_rates_and_windows_answer_together_for_a_vocabulary(
    folder: Path, clip: Path, tmp_path: Path
):
    store = Store(folder)
    for name, family in (("sample-cnn", "one"), ("music-tagging-transformer", "two")):
        manifest = folder / name / "1" / "manifest.toml"
        copied = tmp_path / "store" / name / "1"
        copied.mkdir(parents=True)
        text = manifest.read_text().replace('family = "random"', f'family = "{family}"')
        (copied / "manifest.toml").write_text(text)
        weights = read_store(store)[name].weights.file
        (copied / weights).write_bytes((manifest.parent / weights).read_bytes())
    own = tmp_path / "own.yaml"
    own.write_text(
        'name: own\nversion: "1"\ndescription: Of both.\n'
        'tags: {here: {one: ["tag 1"]}, there: {two: ["tag 2"]}, both: '
        '{one: ["tag 3"], two: ["tag 4"]}}\n'
    )
    settings = {
        "TAGGRAM_MODEL_STORE": str(tmp_path / "store"),
        "TAGGRAM_MODELS": '["sample-cnn", "music-tagging-transformer"]',
        "TAGGRAM_VOCABULARY_FILES": json.dumps([str(own)]),
        "TAGGRAM_MAX_LOADED_MODELS": "2",
    }
    with serving(tmp_path / "log", settings) as running:
        body = answer(post(running, clip, vocabulary="own"))
        parameters = {"track_id": body["track_id"], "vocabulary": "own"}
        shown = answer(running.http.get("/taggram", params=parameters))
        alone = [
            answer(
                running.http.get(
                    "/taggram", params={**parameters, "vocabulary": "raw", "model": model["name"]}
                )
            )
            for model in body["models"]
        ]

    assert len(body["models"]) == 2
    assert shown["hop_s"] == min(each["hop_s"] for each in alone)
    assert len(shown["scores"]) == max(len(each["scores"]) for each in alone)
    scores = np.array(shown["scores"])
    here = scores[:, shown["tags"].index("here")]
    raw = np.array(alone[0]["scores"])[:, alone[0]["tags"].index("tag 1")]
    # Scores of vocabularies are lifts: they rise and fall with the raw scores of the same windows.
    np.testing.assert_array_equal(np.argsort(here), np.argsort(raw))
    there = scores[:, shown["tags"].index("there")]
    windows = {row[alone[1]["tags"].index("tag 2")] for row in alone[1]["scores"]}
    assert len(set(there)) <= len(windows)
    assert {suggestion["tag"] for suggestion in body["suggestions"]} == {"here", "there", "both"}
