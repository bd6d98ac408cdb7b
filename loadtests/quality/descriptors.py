"""Measure how right the descriptors are, on synthesised tracks of known tempo, key and level.

python -m loadtests.quality.descriptors
"""

from collections import Counter
from collections.abc import Iterator
from itertools import product

import numpy as np

from app.descriptors.frames import log_mels, magnitude_blocks
from app.descriptors.key import TONICS, measure_key, sum_pitch_classes
from app.descriptors.loudness import measure_loudness
from app.descriptors.rhythm import Tempo, measure_envelope, measure_tempo
from app.domain import Samples
from testing.known_tracks import RATE, beats, chords, tone

TEMPI = range(40, 241, 5)
SECONDS = 20.0
TOLERANCE = 0.02
"""Of the tempo."""


def main() -> None:
    """Print all tables."""
    print("tempo | right | half or double | unknown | wrong | largest error of the right, %")
    for name, tracks in _rhythms().items():
        print(f"{name} | {_judge_tempi(tracks)}")
    print("\nkeys | right | another")
    for name, beat in (("chords", 0.0), ("with a beat", 1.0), ("with a loud beat", 4.0)):
        for cents in (0, 20, 40):
            print(f"{name}, {cents} cents off | {_judge_keys(beat, cents)}")
    print("\nlevel, dBFS | integrated, LUFS (expected) | range, LU | true peak, dBTP (expected)")
    for level in (-3, -20, -40):
        found = measure_loudness(tone(997, 10 ** (level / 20), 20), RATE)
        print(
            f"{level} | {found.integrated_lufs:.2f} ({level - 3.01:.2f}) | {found.range_lu:.2f} | "
            f"{found.true_peak_dbtp:.2f} ({level:.2f})"
        )


def _rhythms() -> dict[str, dict[int, Samples]]:
    """Return tracks by their tempo, by the name of their kind."""
    noise = 0.02 * np.random.RandomState(5).standard_normal(round(SECONDS * RATE))
    length = round(SECONDS * RATE)
    music = np.resize(chords(9, minor=True), length).astype(np.float32)
    return {
        "beats": {bpm: beats(bpm, SECONDS) for bpm in TEMPI},
        "beats in noise": {bpm: beats(bpm, SECONDS) + noise.astype(np.float32) for bpm in TEMPI},
        "beats off by 20 ms": {bpm: beats(bpm, SECONDS, 0.02) for bpm in TEMPI},
        "beats off by 60 ms": {bpm: beats(bpm, SECONDS, 0.06) for bpm in TEMPI},
        "beats over other chords": {bpm: beats(bpm, SECONDS) + music for bpm in TEMPI},
    }


def _judge_tempi(tracks: dict[int, Samples]) -> str:
    counts: Counter[str] = Counter()
    errors = [0.0]
    for bpm, track in tracks.items():
        mels = [log_mels(block, RATE) for block in magnitude_blocks(track)]
        tempo = measure_tempo(measure_envelope(np.concatenate(mels, axis=1), RATE), RATE)
        verdict = _judge(tempo, bpm)
        counts[verdict] += 1
        if verdict == "right" and tempo.bpm:
            errors.append(abs(tempo.bpm / bpm - 1))
    kinds = ("right", "half or double", "unknown", "wrong")
    return " | ".join([*(str(counts[kind]) for kind in kinds), f"{100 * max(errors):.2f}"])


def _judge(tempo: Tempo, bpm: float) -> str:
    if tempo.bpm is None:
        return "unknown"
    for kind, found in (
        ("right", tempo.bpm),
        ("half or double", tempo.half_bpm),
        ("half or double", tempo.double_bpm),
    ):
        if found and abs(found / bpm - 1) < TOLERANCE:
            return kind
    return "wrong"


def _judge_keys(beat: float, cents: float) -> str:
    verdicts = list(_keys_found(beat, cents))
    return f"{sum(verdicts)} | {len(verdicts) - sum(verdicts)}"


def _keys_found(beat: float, cents: float) -> Iterator[bool]:
    for place, minor in product(range(12), (False, True)):
        track = chords(place, minor=minor, cents=cents)
        track = track + np.float32(beat) * beats(120, len(track) / RATE)
        summed = sum(sum_pitch_classes(block, RATE) for block in magnitude_blocks(track))
        key = measure_key(np.asarray(summed))
        expected = (TONICS[place], "minor" if minor else "major")
        yield key is not None and (key.tonic, key.mode) == expected


if __name__ == "__main__":
    main()
