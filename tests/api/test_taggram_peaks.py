"""A track's waveform in its taggram, which a page draws without decoding the file."""

import io
from typing import Any

import numpy as np
import pytest
import soundfile

from testing.server import Server
from testing.sounds import encoded, noise
from tests.support.client import answer, new_track, post

PAIRS = 1_000
STEP = 1 / 127 + 1e-3
"""As fine as peaks are kept, and the three decimals to which they are rounded."""

RIPPLE = 0.01
"""What resampling changes of a low tone."""


def swelling(rate: int, seconds: float = 9.0) -> np.ndarray:
    """A low tone that is loud in its middle third, (samples, 2), louder on the left."""
    time = np.arange(round(rate * seconds)) / rate
    loudness = 0.1 + 0.8 * np.exp(-(((time - seconds / 2) / (seconds / 6)) ** 4))
    tone = loudness * np.sin(2 * np.pi * 250 * time)
    return np.stack([tone, 0.5 * tone], axis=1)


def outline(file: bytes) -> np.ndarray:
    """The peaks of a file by the plain definition, (PAIRS, 2)."""
    samples, _ = soundfile.read(io.BytesIO(file), always_2d=True)
    stretches = np.array_split(samples.mean(axis=1), PAIRS)
    return np.array([[stretch.min(), stretch.max()] for stretch in stretches])


def shown(server: Server, file: bytes, **query: object) -> dict[str, Any]:
    """The taggram of a file with its peaks."""
    track_id = answer(post(server, file))["track_id"]
    query = {"track_id": track_id, "include": "peaks", **query}
    return answer(server.http.get("/taggram", params=query))


@pytest.fixture(scope="module")
def swelling_file() -> bytes:
    return encoded(swelling(44_100), 44_100, "FLAC")


@pytest.mark.parametrize(
    ("rate", "container"), [(44_100, "FLAC"), (16_000, "WAV"), (48_000, "MP3"), (48_000, "OGG")]
)
def test_peaks_follow_the_loudness(stub: Server, rate: int, container: str) -> None:
    file = encoded(swelling(rate), rate, container)

    peaks = np.array(shown(stub, file)["peaks"])

    assert peaks.shape == (PAIRS, 2)
    assert (peaks[:, 1] > 0.5)[400:600].all()
    assert (peaks[:, 1] < 0.2)[[*range(200), *range(800, PAIRS)]].all()
    np.testing.assert_allclose(peaks, outline(file), atol=STEP + RIPPLE)


def test_at_the_models_rate_the_peaks_are_those_of_the_samples(stub: Server) -> None:
    file = encoded(noise(64_000), 16_000)

    peaks, expected = np.array(shown(stub, file)["peaks"]), outline(file)

    np.testing.assert_allclose(peaks, expected, atol=STEP)
    assert (peaks[:, 0] <= expected[:, 0] + 1e-3).all()
    assert (peaks[:, 1] >= expected[:, 1] - 1e-3).all()


def test_peaks_have_three_decimals_within_full_scale(stub: Server, swelling_file: bytes) -> None:
    peaks = np.array(shown(stub, swelling_file)["peaks"])

    np.testing.assert_array_equal(peaks, peaks.round(3))
    assert np.abs(peaks).max() <= 1


def test_peaks_cover_the_whole_track_for_any_part_and_any_model(
    stub: Server, swelling_file: bytes
) -> None:
    whole = shown(stub, swelling_file)

    for query in (
        {"start_s": 3, "end_s": 6},
        {"top": 1, "pooling": "majority"},
        {"vocabulary": "raw", "model": "mtt-musicnn"},
    ):
        assert shown(stub, swelling_file, **query)["peaks"] == whole["peaks"]


def test_a_cached_answer_has_the_same_peaks(stub: Server) -> None:
    file = new_track()

    first, again = shown(stub, file), shown(stub, file)

    assert answer(post(stub, file))["cached"]
    assert first["peaks"] == again["peaks"]


def test_peaks_are_sent_only_on_request(stub: Server, swelling_file: bytes) -> None:
    included = shown(stub, swelling_file)

    response = stub.http.get("/taggram", params={"track_id": included["track_id"]})

    assert answer(response) == {**included, "peaks": None}


@pytest.mark.parametrize("media_type", ["image/png", "text/csv"])
def test_a_picture_and_a_table_have_none(
    stub: Server, swelling_file: bytes, media_type: str
) -> None:
    query = {"track_id": answer(post(stub, swelling_file))["track_id"]}

    plain, with_peaks = (
        stub.http.get("/taggram", params={**query, **more}, headers={"Accept": media_type})
        for more in ({}, {"include": "peaks"})
    )

    assert with_peaks.content == plain.content
    assert with_peaks.headers["ETag"] == plain.headers["ETag"]
