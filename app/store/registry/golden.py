"""The golden input: a model is served only if it reproduces the published scores of this audio."""

import numpy as np
import numpy.typing as npt

from app.domain import Precision, Samples, Scores
from app.errors import WeightsError
from app.store.manifest.manifest import Golden, Manifest

BF16_TOLERANCE = 0.02
"""For each score; bf16 keeps three digits of every product."""

TOP = 5
"""Number of highest tags that must have the published order."""

TIE = 1e-5
"""Scores that differ by less than this are equal."""

FUNDAMENTALS_HZ = (110.0, 220.0, 329.6, 523.3)


def golden_waveform(golden: Golden, sample_rate: int) -> Samples:
    """Return four plucked harmonic tones over soft noise, (samples,) float32 within -1..1.

    It uses `RandomState`, whose stream NumPy guarantees not to change, unlike that of `Generator`.

    Args:
        golden: Its seed and duration.
        sample_rate: In Hz.
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
    """Compare a model's scores of the golden input with the published ones.

    Args:
        manifest: The manifest of the model.
        scores: Its mean scores, (tags,).
        precision: The arithmetic that computed them, which decides on the tolerance.

    Raises:
        WeightsError: A score is not finite or differs too much, or the best tags differ.
    """
    check_finite(scores, str(manifest.ref))
    published = np.array(manifest.golden.mean_scores)
    tolerance = BF16_TOLERANCE if precision is Precision.BF16 else manifest.golden.tolerance
    difference = np.max(np.abs(scores - published))
    if difference > tolerance:
        raise WeightsError(
            f"{manifest.ref}: the golden input's scores differ by {difference:.1e} from the "
            f"published ones; expected at most {tolerance:.0e}. This machine or its libraries "
            "compute differently, so the model is not served"
        )
    # Tags whose scores tie, within float32 rounding, may have either order.
    if np.max(np.abs(published[_best(scores)] - published[_best(published)])) > TIE:
        raise WeightsError(
            f"{manifest.ref}: the golden input's {TOP} best tags are not those published"
        )


def check_finite(scores: Scores, title: str) -> None:
    """Check that a model's scores of the golden input are finite.

    Args:
        scores: (tags,).
        title: The model, as messages name it.

    Raises:
        WeightsError: A score is NaN or infinite.
    """
    broken = np.count_nonzero(~np.isfinite(scores))
    if broken:
        raise WeightsError(
            f"{title}: {broken} of {scores.size} scores of the golden input are NaN or infinite, "
            "expected numbers from 0 to 1; the weights, or the libraries of this machine, are "
            "broken, so the model is refused"
        )


def _best(scores: Scores) -> npt.NDArray[np.intp]:
    return np.argsort(-scores, kind="stable")[:TOP]
