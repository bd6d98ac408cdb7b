"""Real music goes in, tags that fit it come out."""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import soxr

from testing.server import Server
from tests.api.asking import answer, encoded, heard_s, noise, post

RATE = 44_100
EXCERPT_S = 21

LOSSLESS = 1e-4
"""Measured on two songs: at most 2e-5 between containers, over the means of all raw tags."""

RESAMPLED = 1e-3
"""Measured: at most 3e-4."""

ARITHMETIC = 0.02
"""What bf16 may be off; measured: at most 4e-3 over the means."""

LOSSY = 0.03
"""Measured with the encoders' default quality: at most 0.018."""


@pytest.fixture(scope="module")
def heard(server: Server, song: Path) -> dict[str, Any]:
    """The answer to the whole song."""
    return answer(post(server, song))


@pytest.fixture(scope="module")
def excerpt(song: Path) -> np.ndarray:
    """A part of the song, (samples, 2)."""
    samples, _ = soundfile.read(song, dtype="float32", start=RATE * 20, frames=RATE * EXCERPT_S)
    return 0.9 * np.clip(samples, -1, 1)


@pytest.fixture(scope="module")
def reference(exact: Server, excerpt: np.ndarray) -> dict[str, float]:
    """The excerpt's raw scores from FLAC."""
    return raw_scores(exact, encoded(excerpt, RATE))


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


def test_a_song_is_answered_in_the_shape_of_the_contract(heard: dict[str, Any], song: Path) -> None:
    track_id = hashlib.sha256(song.read_bytes()).hexdigest()
    assert heard["track_id"] == track_id
    assert heard["duration_s"] == pytest.approx(soundfile.info(song).duration, abs=0.01)
    assert heard["model"] == {"name": "msd-musicnn", "version": "1"}
    assert [model["name"] for model in heard["models"]] == ["msd-musicnn", "mtt-musicnn"]
    assert (heard["vocabulary"], heard["pooling"]) == ("subgenres", "mean")
    assert heard["taggram_url"].startswith(f"/taggram?track_id={track_id}")
    assert len(heard["suggestions"]) == 5


def test_music_is_not_doubted_and_noise_and_tones_are(
    server: Server, heard: dict[str, Any]
) -> None:
    assert heard["confidence"] == "high"
    tone = np.sin(2 * np.pi * 440 * np.arange(12 * RATE) / RATE).astype(np.float32)
    for sound in (noise(12, RATE), 0.3 * tone):
        assert answer(post(server, encoded(sound, RATE)))["confidence"] == "low"


def test_suggestions_come_by_falling_score_within_0_and_1(heard: dict[str, Any]) -> None:
    scores = [suggestion["score"] for suggestion in heard["suggestions"]]
    assert scores == sorted(scores, reverse=True)
    assert all(0 < score < 1 for score in scores)


def test_each_suggestion_names_up_to_three_moments_of_the_track(heard: dict[str, Any]) -> None:
    for suggestion in heard["suggestions"]:
        assert 1 <= len(suggestion["heard_at"]) <= 3
        for moment in suggestion["heard_at"]:
            assert 0 <= moment["start_s"] < moment["end_s"] <= heard["duration_s"]


def test_the_moments_come_best_first(heard: dict[str, Any]) -> None:
    for suggestion in heard["suggestions"]:
        scores = [moment["score"] for moment in suggestion["heard_at"]]
        assert scores == sorted(scores, reverse=True)


def test_a_tag_is_at_its_best_in_the_moments_that_speak_for_it(heard: dict[str, Any]) -> None:
    for suggestion in heard["suggestions"]:
        assert suggestion["heard_at"][0]["score"] >= suggestion["score"]


def test_metal_with_synthesisers_is_heard_as_that(server: Server, song: Path) -> None:
    genres = tags(answer(post(server, song, vocabulary="genres")))
    assert set(genres[:3]) == {"rock", "electronic", "metal"}
    assert not {"classical", "jazz", "folk", "ambient"} & set(genres)


def test_ambient_electronic_music_is_heard_as_that(server: Server, ambient_song: Path) -> None:
    subgenres = tags(answer(post(server, ambient_song)))
    assert "ambient" in subgenres[:3]
    assert not {"metal", "punk", "hardrock", "country"} & set(subgenres)
    genres = tags(answer(post(server, ambient_song, vocabulary="genres")))
    assert set(genres[:2]) == {"electronic", "ambient"}


@pytest.mark.parametrize(
    ("container", "subtype"),
    [("WAV", "PCM_16"), ("WAV", "FLOAT"), ("AIFF", "PCM_24"), ("FLAC", "PCM_24")],
)
def test_lossless_formats_are_heard_alike(
    exact: Server,
    excerpt: np.ndarray,
    reference: dict[str, float],
    container: str,
    subtype: str,
) -> None:
    scores = raw_scores(exact, encoded(excerpt, RATE, container, subtype))
    assert difference(scores, reference) < LOSSLESS


@pytest.mark.parametrize("rate", [22_050, 32_000, 48_000, 96_000])
def test_the_sample_rate_does_not_matter(
    exact: Server, excerpt: np.ndarray, reference: dict[str, float], rate: int
) -> None:
    scores = raw_scores(exact, encoded(soxr.resample(excerpt, RATE, rate), rate))
    assert difference(scores, reference) < RESAMPLED


@pytest.mark.parametrize(
    ("container", "subtype", "rate"),
    [
        ("MP3", "MPEG_LAYER_III", 44_100),
        ("MP3", "MPEG_LAYER_III", 48_000),
        ("OGG", "VORBIS", 44_100),
        ("OGG", "OPUS", 48_000),
    ],
)
def test_lossy_formats_are_heard_nearly_alike(
    exact: Server,
    excerpt: np.ndarray,
    reference: dict[str, float],
    container: str,
    subtype: str,
    rate: int,
) -> None:
    samples = soxr.resample(excerpt, RATE, rate)
    scores = raw_scores(exact, encoded(samples, rate, container, subtype))
    assert difference(scores, reference) < LOSSY


def test_mono_and_two_equal_channels_are_heard_the_same(exact: Server, excerpt: np.ndarray) -> None:
    mono = excerpt[:, 0]
    alone = raw_scores(exact, encoded(mono, RATE))
    twice = raw_scores(exact, encoded(np.stack([mono, mono], axis=1), RATE))
    assert difference(twice, alone) < LOSSLESS


def test_the_arithmetic_that_suits_the_machine_hears_nearly_the_same(
    server: Server, excerpt: np.ndarray, reference: dict[str, float]
) -> None:
    scores = raw_scores(server, encoded(excerpt, RATE))
    assert difference(scores, reference) < ARITHMETIC
    best, others = (sorted(tags, key=tags.get)[-3:] for tags in (scores, reference))
    assert set(best) == set(others)


def test_a_track_heard_before_is_answered_from_the_cache_with_the_same_body(
    server: Server,
) -> None:
    track = encoded(noise(4, seed=1))
    first, second = (answer(post(server, track)) for _ in range(2))
    assert (first.pop("cached"), second.pop("cached")) == (False, True)
    assert second == first


def test_other_questions_about_a_known_track_need_no_new_listening(
    server: Server, song: Path, heard: dict[str, Any]
) -> None:
    before = heard_s(server, "msd-musicnn"), heard_s(server, "mtt-musicnn")
    for query in (
        {"vocabulary": "alltags"},
        {"pooling": "majority"},
        {"pooling": "softmax"},
        {"top_k": 20, "threshold": 0.05},
        {"model": "mtt-musicnn", "vocabulary": "raw"},
    ):
        assert answer(post(server, song, **query))["cached"]
    assert (heard_s(server, "msd-musicnn"), heard_s(server, "mtt-musicnn")) == before


def test_only_a_model_that_has_not_heard_the_track_listens(server: Server) -> None:
    track = encoded(noise(4, seed=2))
    answer(post(server, track, model="msd-musicnn"))
    before = heard_s(server, "msd-musicnn"), heard_s(server, "mtt-musicnn")
    assert not answer(post(server, track))["cached"]
    after = heard_s(server, "msd-musicnn"), heard_s(server, "mtt-musicnn")
    assert after == (before[0], before[1] + 4)


def test_top_k_cuts_the_list_and_changes_nothing_else(
    server: Server, song: Path, heard: dict[str, Any]
) -> None:
    longer = answer(post(server, song, top_k=12))["suggestions"]
    assert len(longer) == 12
    assert longer[:5] == heard["suggestions"]


def test_no_tag_below_the_threshold_is_suggested(
    server: Server, song: Path, heard: dict[str, Any]
) -> None:
    bound = heard["suggestions"][1]["score"]
    above = answer(post(server, song, threshold=bound - 1e-5))["suggestions"]
    assert above == heard["suggestions"][:2]
    assert answer(post(server, song, threshold=1))["suggestions"] == []


def test_the_softmax_favours_the_moments_in_which_a_tag_is_heard(
    server: Server, song: Path
) -> None:
    mean, softmax = (
        {
            suggestion["tag"]: suggestion["score"]
            for suggestion in answer(post(server, song, pooling=pooling, top_k=20))["suggestions"]
        }
        for pooling in ("mean", "softmax")
    )
    assert all(softmax[tag] >= mean[tag] for tag in mean)
    assert softmax != mean


def test_the_majority_is_a_share_of_the_windows(server: Server, song: Path) -> None:
    majority = answer(post(server, song, pooling="majority"))
    windows = len(answer(server.http.get(majority["taggram_url"]))["times_s"])
    assert majority["pooling"] == "majority"
    for suggestion in majority["suggestions"]:
        shares = suggestion["score"] * windows
        assert shares == pytest.approx(round(shares), abs=1e-3)


def test_one_model_alone_can_be_asked(server: Server, song: Path) -> None:
    alone = answer(post(server, song, model="mtt-musicnn", vocabulary="genres"))
    assert alone["models"] == [alone["model"]] == [{"name": "mtt-musicnn", "version": "1"}]
    assert "model=mtt-musicnn" in alone["taggram_url"]
    assert "indie" not in tags(alone)  # which only the other model knows


def test_raw_asks_for_the_models_own_tags(server: Server, song: Path) -> None:
    models = {model["name"]: model for model in server.http.get("/models").json()}
    for name, model in models.items():
        raw = answer(post(server, song, vocabulary="raw", model=name, top_k=20))
        assert set(tags(raw)) < set(model["tags"])
    default = answer(post(server, song, vocabulary="raw"))
    assert default["model"]["name"] == "msd-musicnn"


def test_a_jingle_shorter_than_a_window_is_answered(server: Server, excerpt: np.ndarray) -> None:
    jingle = answer(post(server, encoded(excerpt[: round(0.6 * RATE)], RATE)))
    assert jingle["duration_s"] == pytest.approx(0.6)
    assert len(jingle["suggestions"]) == 5
    assert jingle["suggestions"][0]["heard_at"][0]["end_s"] == pytest.approx(0.6)


def test_further_parts_of_the_form_are_passed_over(server: Server) -> None:
    form = {"title": (None, b"Song"), "file": encoded(noise(4, seed=1)), "after": (None, b"x")}
    assert answer(server.http.post("/suggest-tags", files=form))["suggestions"]
