"""Songs of which only high frequencies tell the tag `air`; `low` and `high` are pitches."""

from pathlib import Path

import numpy as np
import soundfile
from scipy.signal import butter, sosfilt

from app.datasets.audio.audio_store import AudioStore
from app.datasets.audio.storing import store_tracks
from app.datasets.tracks import Split, SplitTrack, Subset, Track, track_id
from tests.support.toy import RATE

TAGS = ("low", "high", "air")

SECONDS = 6

PARTS = (*[Subset.TRAIN] * 4, Subset.VALIDATION, Subset.TEST)
"""The parts of six artists in turn."""


def bright_split(tracks: int = 120) -> Split:
    """Return two tracks of each artist; every second artist has air."""
    placed = []
    for number in range(tracks):
        artist = number // 2
        tags = (TAGS[number % 2], "air") if artist % 2 else (TAGS[number % 2],)
        path = f"{number}.flac"
        track = Track(track_id("bright", path), "bright", path, f"artist {artist}", tags)
        placed.append(SplitTrack(track, PARTS[artist // 2 % len(PARTS)]))
    return Split("bright", TAGS, "bright", tuple(placed))


def bright_store(root: Path, split: Split, sample_rate: int = RATE) -> AudioStore:
    """Write the songs, and store them."""
    folder = root / "audio" / "bright"
    folder.mkdir(parents=True, exist_ok=True)
    for number, each in enumerate(split.placed):
        soundfile.write(folder / each.track.path, bright_sound(each.track.tags, number), RATE)
    tracks = [each.track for each in split.placed]
    to = root / f"store-{sample_rate}"
    store_tracks(
        tracks,
        root / "audio",
        to,
        sample_rate=sample_rate,
        jobs=2,
        on_progress=lambda *_: None,
    )
    return AudioStore.open(to)


def bright_sound(tags: tuple[str, ...], seed: int) -> np.ndarray:
    """Return a square wave below 2 kHz of any level, with hiss above 5 kHz if it has air."""
    rng = np.random.default_rng(seed)
    time_s = np.arange(SECONDS * RATE) / RATE
    pitch = {"low": 130, "high": 900}[tags[0]] * 2 ** rng.uniform(-0.3, 0.3)
    tone = np.sign(np.sin(2 * np.pi * pitch * time_s)) + 0.2 * rng.normal(size=len(time_s))
    sound = sosfilt(butter(8, 2_000, "low", fs=RATE, output="sos"), tone)
    if "air" in tags:
        hiss = rng.normal(size=len(time_s))
        sound = sound + 0.1 * sosfilt(butter(8, 5_000, "high", fs=RATE, output="sos"), hiss)
    return 0.4 * rng.uniform(0.3, 1) * sound
