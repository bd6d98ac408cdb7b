"""The input that every model is asked before it serves: same sound, same scores, or no start."""

import numpy as np
import numpy.typing as npt

from app.domain import Precision, Samples, Scores
from app.errors import WeightsError
from app.store.manifest.manifest import Golden, Manifest

BF16_TOLERANCE = 0.02
"""On any score; bf16 keeps three digits of every product."""

TOP = 5
"""So many of the highest tags must come in the published order."""

TIE = 1e-5
"""Scores that differ by less than this are equal."""

FUNDAMENTALS_HZ = (110.0, 220.0, 329.6, 523.3)


def golden_waveform(golden: Golden, sample_rate: int) -> Samples:
    """Four plucked harmonic tones over soft noise, (samples,) float32 within -1..1.

    NumPy promises that the stream of `RandomState` never changes; that of `Generator` may.
    """
    random = np.random.RandomState(golden.seed)
    time = np.arange(round(golden.seconds * sample_rate)) / sample_rate
    sound = 0.02 * random.standard_normal(len(time))
    for fundamental in FUNDAMENTALS_HZ:
        pluck = np.exp(-3.0 * ((time + random.uniform()) % 0.5))
        for harmonic in range(1, 6):
            phase = random.uniform(0, 2 * np.pi)
            sound += (
                0.1 / harmonic * pluck * np.sin(2 * np.pi * fundamental * harmonic * time + phase)
            )
    return sound.astype(np.float32)


def check_golden(manifest: Manifest, scores: Scores, precision: Precision) -> None:
    """Hold what a model scores for the golden input, (tags,), against what was published.

    Raises:
        WeightsError: A score is no finite number or too far off, or other tags come out on top.
    """
    check_finite(scores, str(manifest.ref))
    published = np.array(manifest.golden.mean_scores)
    tolerance = BF16_TOLERANCE if precision is Precision.BF16 else manifest.golden.tolerance
    off = np.max(np.abs(scores - published))
    if off > tolerance:
        raise WeightsError(
            f"{manifest.ref}: the golden input scores {off:.1e} off what is published "
            f"(at most {tolerance:.0e}); this machine or its libraries compute something else, "
            "so the model is not served"
        )
    # Tags that tie, but for float32's own noise, may come in either order.
    if np.max(np.abs(published[_best(scores)] - published[_best(published)])) > TIE:
        raise WeightsError(f"{manifest.ref}: the golden input's {TOP} best tags are not in order")


def check_finite(scores: Scores, title: str) -> None:
    """Hold what a model scores for the golden input, (tags,), against what scores may be.

    Raises:
        WeightsError: One is NaN or infinite.
    """
    broken = np.count_nonzero(~np.isfinite(scores))
    if broken:
        raise WeightsError(
            f"{title}: {broken} of {scores.size} scores of the golden input are NaN or infinite, "
            "and scores are numbers from 0 to 1; the weights, or the libraries of this machine, "
            "are broken, so the model is refused"
        )


def _best(scores: Scores) -> npt.NDArray[np.intp]:
    return np.argsort(-scores, kind="stable")[:TOP]
