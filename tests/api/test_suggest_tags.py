"""Real networks on real music: the tags fit it, whatever file it comes in."""

from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import soundfile
import soxr

from testing.server import Server, serving
from testing.sounds import encoded, noise
from testing.waiting import PAUSE_S
from tests.support.client import answer, metric, new_track, post

RATE = 44_100
EXCERPT_S = 21

LOSSLESS = 0.02
"""What bf16 may be off. Measured in float32 on two songs: at most 2e-5 between containers, over the
means of all raw tags, and 3e-4 between sample rates."""

LOSSY = 0.04
"""Measured in float32 with the encoders' default quality: at most 0.018."""

ARITHMETIC = 0.02
"""What bf16 may be off; measured: at most 4e-3 over the means."""


@pytest.fixture(scope="module")
def excerpt(song: Path) -> np.ndarray:
    """A part of the song, (samples, 2)."""
    samples, _ = soundfile.read(song, dtype="float32", start=RATE * 20, frames=RATE * EXCERPT_S)
    return 0.9 * np.clip(samples, -1, 1)


@pytest.fixture(scope="module")
def reference(server: Server, excerpt: np.ndarray) -> dict[str, float]:
    """The excerpt's raw scores from FLAC."""
    return raw_scores(server, encoded(excerpt, RATE, "FLAC"))


def raw_scores(server: Server, audio: bytes) -> dict[str, float]:
    """The mean score of each raw tag of one model."""
    posted = answer(post(server, audio, model="msd-musicnn", vocabulary="raw"))
    shown = answer(server.http.get(posted["taggram_url"]))
    return dict(zip(shown["tags"], shown["mean_scores"], strict=True))


def difference(scores: dict[str, float], others: dict[str, float]) -> float:
    """The largest over all tags."""
    assert scores.keys() == others.keys()
    return max(abs(scores[tag] - others[tag]) for tag in scores)


def tags(answered: dict[str, Any]) -> list[str]:
    return [suggestion["tag"] for suggestion in answered["suggestions"]]


def test_music_has_normal_confidence_and_noise_and_tones_have_low(
    server: Server, song: Path
) -> None:
    assert answer(post(server, song))["confidence"] == "high"
    tone = np.sin(2 * np.pi * 440 * np.arange(12 * RATE) / RATE).astype(np.float32)
    for sound in (noise(12 * RATE, 1), 0.3 * tone):
        assert answer(post(server, encoded(sound, RATE)))["confidence"] == "low"


def test_metal_with_synthesisers_is_tagged_as_that(server: Server, song: Path) -> None:
    answered = answer(post(server, song, vocabulary="genres"))
    assert answered["duration_s"] == pytest.approx(soundfile.info(song).duration, abs=0.01)
    genres = tags(answered)
    assert {"rock", "metal"} <= set(genres[:3])
    assert not {"classical", "jazz", "folk", "ambient"} & set(genres)


def test_ambient_electronic_music_is_tagged_as_that(server: Server, ambient_song: Path) -> None:
    subgenres = tags(answer(post(server, ambient_song)))
    assert "ambient" in subgenres[:3]
    assert not {"metal", "punk", "hardrock", "country"} & set(subgenres)
    genres = tags(answer(post(server, ambient_song, vocabulary="genres")))
    assert set(genres[:2]) == {"electronic", "ambient"}


@pytest.mark.parametrize(
    ("container", "subtype", "rate", "tolerance"),
    [
        pytest.param("WAV", "PCM_16", RATE, LOSSLESS, marks=pytest.mark.thorough),
        pytest.param("AIFF", "PCM_24", RATE, LOSSLESS, marks=pytest.mark.thorough),
        ("FLAC", "PCM_24", 22_050, LOSSLESS),
        pytest.param("WAV", "FLOAT", 96_000, LOSSLESS, marks=pytest.mark.thorough),
        ("MP3", "MPEG_LAYER_III", RATE, LOSSY),
        pytest.param("OGG", "VORBIS", RATE, LOSSY, marks=pytest.mark.thorough),
        ("OGG", "OPUS", 48_000, LOSSY),
    ],
)
def test_the_same_music_scores_alike_in_every_container_and_sample_rate(
    server: Server,
    excerpt: np.ndarray,
    reference: dict[str, float],
    container: str,
    subtype: str,
    rate: int,
    tolerance: float,
) -> None:
    file = encoded(soxr.resample(excerpt, RATE, rate), rate, container, subtype)
    assert difference(raw_scores(server, file), reference) < tolerance


def test_mono_and_two_equal_channels_score_the_same(server: Server, excerpt: np.ndarray) -> None:
    mono = excerpt[:, 0]
    files = (encoded(samples, RATE) for samples in (mono, np.stack([mono, mono], axis=1)))
    alone, twice = (raw_scores(server, file) for file in files)
    assert difference(twice, alone) < LOSSLESS


@pytest.mark.thorough
def test_the_default_precision_scores_nearly_as_float32(
    excerpt: np.ndarray, reference: dict[str, float], tmp_path: Path
) -> None:
    settings = {"TAGGRAM_MODELS": '["msd-musicnn"]', "TAGGRAM_PRECISION": "float32"}
    with serving(tmp_path / "log", settings) as exact:
        scores = raw_scores(exact, encoded(excerpt, RATE))
    assert difference(scores, reference) < ARITHMETIC
    best, others = (sorted(tags, key=tags.get)[-3:] for tags in (scores, reference))
    assert set(best) == set(others)


def test_a_model_shows_its_engine_and_precision(server: Server) -> None:
    for model in server.http.get("/models").json():
        assert model["engine"] in {"openvino", "tensorflow"}
        assert model["precision"] in {"bf16", "int8", "float32"}


def test_health_is_answered_during_inference(server: Server) -> None:
    with ThreadPoolExecutor() as together:
        uploads = waiting = [together.submit(post, server, new_track(20)) for _ in range(2)]
        while waiting:
            for path in ("/health/live", "/health/ready", "/metrics"):
                assert server.http.get(path).status_code == httpx.codes.OK
            waiting = wait(uploads, timeout=PAUSE_S).not_done
    assert all(answer(upload.result())["suggestions"] for upload in uploads)
    assert metric(server, "taggram_queued_windows") == 0
