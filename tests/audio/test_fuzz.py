import asyncio
import logging
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.audio.worker.processes import Decoder
from app.errors import RequestError
from testing.sounds import LIMITS, encoded, noise, piped
from tests.audio.decode_helpers import decode

SECONDS = 0.6
SEEDS = {
    "WAV": encoded(noise(9_600), 16_000),
    "AIFF": encoded(noise(9_600), 16_000, "AIFF"),
    "FLAC": encoded(noise(9_600), 16_000, "FLAC"),
    "piped FLAC": piped(encoded(noise(9_600), 16_000, "FLAC")),
    "MP3": encoded(noise(9_600), 16_000, "MP3"),
    "Vorbis": encoded(noise(9_600), 16_000, "OGG"),
    "Opus": encoded(noise(9_600), 16_000, "OGG", "OPUS"),
}
MAGICS = (
    b"",
    b"RIFF\xff\xff\xff\xffWAVE",
    b"FORM\0\xff\0\0AIFF",
    b"fLaC",
    b"OggS",
    b"ID3\x04",
    b"\xff\xfb",
)


@st.composite
def damaged_files(draw: st.DrawFn) -> bytes:
    data = bytearray(SEEDS[draw(st.sampled_from(sorted(SEEDS)))])
    # Headers are at the beginning: most damage there is seen by a decoder.
    places = st.one_of(st.integers(0, 99), st.integers(0, len(data) - 1))
    for place, byte in draw(st.lists(st.tuples(places, st.integers(0, 255)), max_size=8)):
        data[place] = byte
    return bytes(data[: draw(st.one_of(st.just(len(data)), st.integers(0, len(data))))])


def decodes_or_is_refused(data: bytes, folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = folder / "fuzz"
    path.write_bytes(data)
    caplog.clear()
    caplog.set_level(logging.INFO)
    try:
        waveform = asyncio.run(decode(Decoder(LIMITS, workers=1, timeout_s=30), path))
    except RequestError:
        # A signal would be libsndfile's crash, which is why there is a process; 1 is our own.
        assert "exit code 1" not in caplog.text
        return
    assert LIMITS.min_duration_s <= waveform.duration_s <= LIMITS.max_duration_s
    assert np.max(np.abs(waveform.samples)) < np.inf


@given(magic=st.sampled_from(MAGICS), rest=st.binary(max_size=2_000))
def test_random_bytes_decode_or_are_refused(
    magic: bytes, rest: bytes, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    decodes_or_is_refused(magic + rest, tmp_path, caplog)


@given(data=damaged_files())
def test_damaged_files_decode_or_are_refused(
    data: bytes, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    decodes_or_is_refused(data, tmp_path, caplog)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_files_were_valid_before_they_were_damaged(seed: str, tmp_path: Path):
    path = tmp_path / "sound"
    path.write_bytes(SEEDS[seed])

    waveform = asyncio.run(decode(Decoder(LIMITS, workers=1, timeout_s=30), path))

    assert waveform.duration_s == pytest.approx(SECONDS, abs=0.1)
