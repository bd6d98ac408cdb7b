"""Songs with planted skew: most have the tag `common` alone, few have `wobble` or `rise`."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile

from app.datasets.audio.audio_store import AudioStore
from app.datasets.audio.storing import store_tracks
from app.datasets.tracks import Split, SplitTrack, Subset, Track, track_id
from tests.support.toy import RATE

TAGS = ("common", "noise", "wobble", "rise")
RARE = ("wobble", "rise")

SECONDS = 4

KINDS = {
    ("common",): (80, 12, 24),
    ("noise",): (24, 6, 12),
    ("common", "wobble"): (4, 2, 12),
    ("wobble",): (3, 2, 12),
    ("common", "rise"): (4, 2, 12),
    ("rise",): (3, 2, 12),
}
"""By their tags, the number of songs for training, validation and test."""

PARTS = (Subset.TRAIN, Subset.VALIDATION, Subset.TEST)


def skewed_split() -> Split:
    """Return the songs, each of its own artist."""
    return Split("skewed", TAGS, "skewed", tuple(_placed()))


def _placed() -> Iterator[SplitTrack]:
    number = 0
    for tags, counts in KINDS.items():
        for part, count in zip(PARTS, counts, strict=True):
            for _ in range(count):
                path = f"{number}.flac"
                key = track_id("skewed", path)
                yield SplitTrack(Track(key, "skewed", path, f"artist {number}", tags), part)
                number += 1


def skewed_store(root: Path, split: Split) -> AudioStore:
    """Write the songs, and store them."""
    folder = root / "audio" / "skewed"
    folder.mkdir(parents=True)
    for number, each in enumerate(split.placed):
        soundfile.write(folder / each.track.path, skewed_sound(each.track.tags, number), RATE)
    tracks = [each.track for each in split.placed]
    to = root / "store"
    store_tracks(tracks, root / "audio", to, sample_rate=RATE, jobs=2, on_progress=lambda *_: None)
    return AudioStore.open(to)


def skewed_sound(tags: tuple[str, ...], seed: int) -> np.ndarray:
    """Return a sum of a steady tone (common), noise, a vibrato (wobble) and a chirp (rise)."""
    rng = np.random.default_rng(seed)
    time_s = np.arange(SECONDS * RATE) / RATE
    sound = 0.3 * rng.uniform(0.5, 1) * rng.normal(size=len(time_s))  # some noise in all songs
    bases = 300 * 2 ** rng.uniform(-1, 1, len(tags))
    for tag, base in zip(tags, bases, strict=True):
        pitch = {
            "common": np.full(len(time_s), base),
            "noise": None,
            "wobble": base * 2 ** (0.15 * np.sin(2 * np.pi * rng.uniform(4, 7) * time_s)),
            "rise": base * 2 ** ((time_s * rng.uniform(0.7, 1.4)) % 1),
        }[tag]
        if pitch is None:
            sound = sound + rng.normal(size=len(time_s))
        else:
            sound = sound + np.sign(np.sin(2 * np.pi * np.cumsum(pitch) / RATE))
    return 0.1 * sound
