"""The input that every model is asked before it serves: same sound, same scores, or no start."""

import numpy as np

from app.domain import Samples

FUNDAMENTALS_HZ = (110.0, 220.0, 329.6, 523.3)


def golden_waveform(seed: int, seconds: float, sample_rate: int) -> Samples:
    """Four plucked harmonic tones over soft noise, (samples,) float32 within -1..1.

    NumPy promises that the stream of `RandomState` never changes; that of `Generator` may.
    """
    random = np.random.RandomState(seed)
    time = np.arange(round(seconds * sample_rate)) / sample_rate
    sound = 0.02 * random.standard_normal(len(time))
    for fundamental in FUNDAMENTALS_HZ:
        pluck = np.exp(-3.0 * ((time + random.uniform()) % 0.5))
        for harmonic in range(1, 6):
            phase = random.uniform(0, 2 * np.pi)
            sound += (
                0.1 / harmonic * pluck * np.sin(2 * np.pi * fundamental * harmonic * time + phase)
            )
    return sound.astype(np.float32)
