"""Compare the descriptors of both halves of real songs, and their loudness at two sample rates.

    python -m loadtests.quality.descriptors_of_songs FILE...

The tempo and key of these songs are not known. But a tempo that both halves have was not found by
chance, and one that differs was wrong for a half, or changed.
"""

import sys
from collections import Counter
from collections.abc import Sequence
from statistics import median

import numpy as np
import soundfile
import soxr

from app.descriptors.key import TONICS, Key, Mode
from app.descriptors.loudness import Loudness, measure_loudness
from app.descriptors.rhythm import Tempo
from app.descriptors.track import Descriptors, measure_descriptors
from testing.known_tracks import RATE

FULL_RATE = 48_000
MIN_S, MAX_S = 40, 120
TOLERANCE = 0.02
"""Of the tempo."""


def main() -> None:
    """Print all tables."""
    songs = [song for path in sys.argv[1:] if (song := _measure(path))]
    whole = [each for each, *_ in songs]
    halves = [both for _, both, _ in songs]
    unknown = sum(track.tempo.bpm is None for track in whole)
    no_key = sum(track.key is None for track in whole)
    print(f"{len(songs)} songs; the tempo of {unknown} is unknown, the key of {no_key}")
    print("\nhalves of songs whose tempo is known")
    _show([_compare_tempi(a.tempo, b.tempo) for t, (a, b) in _known(whole, halves, "tempo")])
    print("\nhalves of songs whose key is known")
    _show([_compare_keys(a.key, b.key) for t, (a, b) in _known(whole, halves, "key")])
    print("\n16 kHz against 48 kHz: least, median, largest difference")
    for name in ("integrated_lufs", "range_lu", "true_peak_dbtp"):
        pairs = [(getattr(t.loudness, name), getattr(full, name)) for t, _, full in songs]
        differences = [low - high for low, high in pairs if None not in {low, high}]
        ends = (min(differences), median(differences), max(differences))
        print(f"{name} | " + " | ".join(f"{each:+.2f}" for each in ends))


Halves = tuple[Descriptors, Descriptors]


def _measure(path: str) -> tuple[Descriptors, Halves, Loudness] | None:
    """Return the descriptors of a song and of its halves, and its loudness at `FULL_RATE`."""
    try:
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except soundfile.LibsndfileError:
        return None
    mono = samples[: MAX_S * rate].mean(axis=1)
    if len(mono) < MIN_S * rate or not mono.any():
        return None
    full, reduced = (soxr.resample(mono, rate, to).astype(np.float32) for to in (FULL_RATE, RATE))
    first, second = np.array_split(reduced, 2)
    halves = measure_descriptors(first, RATE), measure_descriptors(second, RATE)
    return measure_descriptors(reduced, RATE), halves, measure_loudness(full, FULL_RATE)


def _known(
    whole: Sequence[Descriptors], halves: Sequence[Halves], name: str
) -> list[tuple[Descriptors, Halves]]:
    """Return the songs whose tempo or key is known."""
    songs = zip(whole, halves, strict=True)
    is_known = {"tempo": lambda t: t.tempo.bpm is not None, "key": lambda t: t.key is not None}
    return [(track, both) for track, both in songs if is_known[name](track)]


def _show(verdicts: Sequence[str]) -> None:
    for verdict, count in Counter(verdicts).most_common():
        print(f"{verdict} | {count} of {len(verdicts)}")


def _compare_tempi(first: Tempo, second: Tempo) -> str:
    if not first.bpm or not second.bpm:
        return "a half is unknown"
    ratio = first.bpm / second.bpm
    if abs(ratio - 1) < TOLERANCE:
        return "same"
    return "half or double" if min(abs(ratio - 2), abs(ratio - 0.5)) < TOLERANCE else "other"


def _compare_keys(first: Key | None, second: Key | None) -> str:
    if not first or not second:
        return "a half is unknown"
    if (first.tonic, first.mode) == (second.tonic, second.mode):
        return "same"
    steps = (TONICS.index(second.tonic) - TONICS.index(first.tonic)) % 12
    if first.mode is second.mode:
        return "a fifth apart" if steps in {5, 7} else "other"
    relative = 9 if first.mode is Mode.MAJOR else 3
    return "relative or parallel" if steps in {0, relative} else "other"


if __name__ == "__main__":
    main()
