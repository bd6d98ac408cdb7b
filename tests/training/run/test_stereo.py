"""A network of stereo samples learns what mono does not have, and is published and served."""

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile

from app.datasets.audio.audio_store import AudioStore
from app.datasets.audio.cropping import FULL_SCALE
from app.datasets.audio.storing import store_tracks
from app.datasets.tracks import Split, SplitTrack, Subset, Track, track_id
from app.domain import ModelRef, Waveform
from app.errors import SetupError
from app.front_ends import FrontEnd
from app.inference.frozen_features import make_extractor
from app.inference.selection import EnginePreference, choose
from app.store.manifest.manifest import read_manifest
from app.store.registry.publishing import publish
from app.store.storage.store import Store
from app.training.run.publishing import describe_trained
from app.training.run.recipe_run import Job, Trained, train
from testing.server import serving
from tests.support.client import answer, post
from tests.support.toy import toy_phase, toy_recipe

TAGS = ("left", "right")
RATE = 16_000
PARTS = (Subset.TRAIN, Subset.TRAIN, Subset.VALIDATION, Subset.TEST)


@pytest.fixture(scope="module")
def split() -> Split:
    """Sixteen tracks, each of its own artist."""
    placed = []
    for number in range(16):
        path = f"{number}.flac"
        tags = (TAGS[number % 2],)
        track = Track(track_id("sides", path), "sides", path, f"artist {number}", tags)
        placed.append(SplitTrack(track, PARTS[number // 2 % 4]))
    return Split("sides", TAGS, "sides", tuple(placed))


def store_sides(split: Split, root: Path, channels: int) -> AudioStore:
    """Write noise on one side, and store it."""
    folder = root / "audio" / "sides"
    folder.mkdir(parents=True)
    for number, each in enumerate(split.placed):
        sound = np.zeros((2 * RATE, 2))
        sound[:, number % 2] = np.random.default_rng(number).uniform(-0.5, 0.5, 2 * RATE)
        soundfile.write(folder / each.track.path, sound, RATE)
    store_tracks(
        [each.track for each in split.placed],
        root / "audio",
        root / "store",
        sample_rate=RATE,
        jobs=2,
        on_progress=lambda *_: None,
        channels=channels,
    )
    return AudioStore.open(root / "store")


def train_sides(split: Split, store: AudioStore, folder: Path) -> Trained:
    phase = toy_phase(
        architecture="sample_cnn",
        arguments={"channels": [8] * 5},
        front_end=FrontEnd(RATE, channels=2),
        window_s=0.1,
        crops={"start_cut": 0, "end_cut": 0, "random_crop": None, "windows": "all"},
        batch_size=16,
        stages=[{"optimizer": "adam", "learning_rate": 0.01, "epochs": 4}],
        augmentation={"pitch": 0, "reverb": 0},
    )
    recipe = toy_recipe([phase])
    return train(Job(recipe, split, store, folder, 1, lambda step: None, lambda rows: None, print))


@pytest.fixture(scope="module")
def stereo_store(split: Split, tmp_path_factory: pytest.TempPathFactory) -> AudioStore:
    return store_sides(split, tmp_path_factory.mktemp("sides"), channels=2)


@pytest.fixture(scope="module")
def models(
    split: Split, stereo_store: AudioStore, tmp_path_factory: pytest.TempPathFactory
) -> Store:
    """Return a store with a trained model, `sides`."""
    folder = tmp_path_factory.mktemp("trained")
    trained = train_sides(split, stereo_store, folder / "run")
    spec = describe_trained(
        name="sides",
        summary="Sides.",
        architecture="sample_cnn",
        arguments=trained.phase.arguments,
        window_spec=trained.window_spec,
        tags=TAGS,
        family="sides",
        vocabulary="sides",
    )
    models = Store(folder / "models")
    publish(models, spec, trained.weights)
    return models


@pytest.mark.thorough
def test_sides_are_learnt_in_stereo(split: Split, stereo_store: AudioStore, models: Store) -> None:
    manifest = read_manifest(models, ModelRef("sides", "1"))
    extractor = make_extractor(manifest.front_end)
    engine = choose(models, manifest, extractor, EnginePreference("auto", "float32"))

    for each in split.part(Subset.TEST):
        samples = stereo_store.samples(each.track.id).astype(np.float32) / FULL_SCALE
        for sound, tag in (
            (samples, TAGS.index(each.track.tags[0])),
            (samples[:, ::-1], 1 - TAGS.index(each.track.tags[0])),
        ):
            mean = engine.scores(Waveform(sound, RATE)).mean(axis=0)
            assert mean[tag] > mean[1 - tag] + 0.2


@pytest.mark.thorough
def test_the_service_tells_sides_of_files_with_the_same_mono_mix(
    models: Store, tmp_path: Path
) -> None:
    noise = np.random.default_rng(99).uniform(-0.5, 0.5, 4 * RATE)
    settings = {"TAGGRAM_MODEL_STORE": models.url, "TAGGRAM_MODELS": '["sides"]'}
    with serving(tmp_path / "log", settings) as server:
        (shown,) = answer(server.http.get("/models"))
        assert (shown["channels"], shown["sample_rate"]) == (2, RATE)
        for side, tag in enumerate(TAGS):
            sound = np.zeros((len(noise), 2))
            sound[:, side] = noise
            file = io.BytesIO()
            soundfile.write(file, sound, RATE, format="FLAC")
            answered = answer(post(server, file.getvalue(), vocabulary="sides"))
            first, second = answered["suggestions"]
            assert (first["tag"], second["tag"]) == (tag, TAGS[1 - side])
            assert first["score"] > second["score"] + 0.2


def test_a_mono_store_is_refused_for_a_network_of_stereo_samples(
    split: Split, tmp_path: Path
) -> None:
    store = store_sides(split, tmp_path, channels=1)

    with pytest.raises(
        SetupError,
        match=r"sample_cnn needs a sample rate of 16000 Hz in stereo, but the audio store has "
        r"16000 Hz in mono; .* --sample-rate 16000 --channels 2",
    ):
        train_sides(split, store, tmp_path / "run")
