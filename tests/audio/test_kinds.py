"""What FFmpeg plays is read: the kinds of files that artists have, and those that were reported."""

import re
from pathlib import Path

import numpy as np
import pytest

from app.audio.decoders.track_reader import TrackReader
from app.audio.limits import AudioLimits
from testing.kinds import DAMAGED, KINDS, NARROW, RATE, TWICE
from testing.sounds import Sound, decoded, noise, opened
from tests.conftest import SHARED

CASES = SHARED / "cases" / "audio"
ROW = re.compile(r"^\| (\S+\.\w+)[^|]*\|[^|]*\|[^|]*\| ([\d.]+)", re.MULTILINE)

SECONDS = 1.9
LIMITS = AudioLimits(16_000, 0.5, 600.0)


@pytest.fixture(scope="module")
def sound() -> Sound:
    """Noise that swells and fades, so that each stretch differs from the others."""
    samples = noise(round(SECONDS * RATE))
    return samples * np.linspace(0.2, 2.0, len(samples), dtype=np.float32)


def read(file: bytes | Path) -> tuple[Sound, float | None]:
    with opened(file) as source:
        reader = TrackReader(source, LIMITS)
        return np.concatenate(list(reader.samples())), reader.announced_s


def loudness(samples: Sound) -> Sound:
    """Of each of ten equal stretches, in dB."""
    power = [np.mean(part**2) for part in np.array_split(samples, 10)]
    return 10 * np.log10(np.array(power))


@pytest.mark.parametrize("name", KINDS)
def test_a_kind_of_file_is_decoded_completely(name: str, sound: Sound) -> None:
    samples, announced_s = read(KINDS[name](sound))

    times = 2 if name in TWICE else 1
    assert len(samples) / 16_000 == pytest.approx(times * SECONDS, abs=0.15)
    assert announced_s is None, "it is whole"
    if name not in NARROW:
        wanted = np.tile(decoded(KINDS["WAV"](sound), LIMITS), times)
        np.testing.assert_allclose(loudness(samples), loudness(wanted), atol=1.5)


@pytest.mark.parametrize("name", DAMAGED)
def test_the_decodable_part_of_a_damaged_file_is_decoded_and_the_missing_part_reported(
    name: str, sound: Sound
) -> None:
    samples, announced_s = read(DAMAGED[name](sound))

    assert announced_s is not None
    assert 0.5 < len(samples) / 16_000 < announced_s - 0.05
    assert announced_s == pytest.approx(SECONDS, abs=1.05)


def case_names() -> list[str]:
    """The cases in `shared`, next to the checkout."""
    table = CASES / "README.md"
    return [name for name, _ in ROW.findall(table.read_text())] if table.is_file() else []


@pytest.mark.skipif(not case_names(), reason=f"no cases of others are at {CASES}")
def test_all_reported_cases_are_decoded_completely() -> None:
    wanted = dict(ROW.findall((CASES / "README.md").read_text()))
    found = {name: len(read(CASES / name)[0]) / 16_000 for name in wanted}

    assert found == {name: pytest.approx(float(s), abs=0.15) for name, s in wanted.items()}


@pytest.mark.parametrize("name", ["FLAC", "RIFX", "CAF of ALAC", "QuickTime"])
def test_ffmpeg_gives_the_samples_that_soundfile_gives(name: str, sound: Sound) -> None:
    by_soundfile, by_ffmpeg = read(KINDS["WAV"](sound))[0], read(KINDS[name](sound))[0]

    np.testing.assert_allclose(by_ffmpeg[: len(by_soundfile)], by_soundfile, atol=2**-14)
