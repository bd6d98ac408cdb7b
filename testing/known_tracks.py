"""Tracks of known tempo and key, of which nothing is random but the noise of a beat."""

from collections.abc import Sequence

import numpy as np

from app.domain import Samples

RATE = 16_000
HARMONICS = 5


def beats(bpm: float, seconds: float = 20.0, jitter_s: float = 0.0) -> Samples:
    """A burst of noise on each beat, the first after .1 s.

    `jitter_s` is the standard deviation of the times of beats.
    """
    track = np.zeros(round(seconds * RATE), np.float32)
    length = RATE // 20
    noise = np.random.RandomState(1).standard_normal(length)
    burst = (0.2 * noise * np.exp(-np.arange(length) / 400)).astype(np.float32)
    random = np.random.RandomState(2)
    for time_s in np.arange(0.1, seconds - 0.1, 60 / bpm):
        first = max(0, round((time_s + jitter_s * random.standard_normal()) * RATE))
        track[first : first + length] += burst[: max(0, len(track) - first)]
    return track


def chords(tonic: int, *, minor: bool, cents: float = 0.0) -> Samples:
    """The chords I, IV, V, I of a key, of notes with overtones; C is 0."""
    third = 3 if minor else 4
    degrees = ((0, third), (5, third), (7, 4), (0, third))
    return np.concatenate(
        [
            chord([root - 12, root, root + above, root + 7])
            for degree, above in degrees
            for root in [60 + tonic + cents / 100 + degree]
        ]
    )


def chord(notes: Sequence[float], seconds: float = 0.8) -> Samples:
    """Notes, by their MIDI numbers, each with overtones."""
    time = np.arange(round(seconds * RATE)) / RATE
    pitches = [440 * 2 ** ((note - 69) / 12) for note in notes]
    tones = [
        np.sin(2 * np.pi * pitch * n * time) / n for pitch in pitches for n in range(1, HARMONICS)
    ]
    return np.asarray(0.05 * np.sum(tones, axis=0), np.float32)


def tone(hertz: float, level: float, seconds: float, rate: int = RATE) -> Samples:
    """A sine of a peak level."""
    time = np.arange(round(seconds * rate)) / rate
    return (level * np.sin(2 * np.pi * hertz * time)).astype(np.float32)
