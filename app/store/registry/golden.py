"""The golden input: a model is served only if it reproduces the published scores of this audio."""

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from app.domain import Outputs, Precision, Samples, Scores
from app.errors import WeightsError
from app.front_ends import FrontEnd
from app.store.manifest.manifest import Golden, Manifest

BF16_TOLERANCE = 0.02
"""For each score; bf16 keeps three digits of every product."""

INT8_TOLERANCE = 0.01
"""For each score; filters of 8 bits keep two digits, but their errors cancel out."""

FOLDING_TOLERANCE = 0.002
"""For each mean score, in addition, of a network without its negligible filters."""

TOP = 5
"""Number of highest tags that must have the published order."""

TIE = 1e-5
"""Scores that differ by less than this are equal."""

EMBEDDING_TOLERANCE = {Precision.FLOAT32: 1e-3, Precision.BF16: 3e-2}
"""How much an embedding may differ, as a share of its length."""

HEAD_WINDOWS = 8
"""Number of embeddings in the golden input of a head."""

SEEDS = 2**32
"""Number of seeds of `RandomState`."""

FUNDAMENTALS_HZ = (110.0, 220.0, 329.6, 523.3)


def golden_waveform(golden: Golden, front: FrontEnd) -> Samples:
    """Return four plucked harmonic tones over soft noise, float32 within -1..1.

    In stereo, (samples, 2), each channel has a seed of its own; mono is (samples,).

    Args:
        golden: Its seed and duration.
        front: The front end; its sample rate and channels.

    Returns:
        The samples; mono ones can't be written to.
    """
    seeds = [(golden.seed + channel) % SEEDS for channel in range(front.channels)]
    tones = [_plucked_tones(seed, golden.seconds, front.sample_rate) for seed in seeds]
    return tones[0] if len(tones) == 1 else np.stack(tones, axis=1)


@lru_cache(maxsize=8)  # it takes a tenth of a second, and most models have the same one
def _plucked_tones(seed: int, seconds: float, sample_rate: int) -> Samples:
    """See `golden_waveform`.

    It uses `RandomState`, whose stream NumPy guarantees not to change, unlike that of `Generator`.
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
    samples: Samples = sound.astype(np.float32)
    samples.flags.writeable = False
    return samples


def golden_embeddings(golden: Golden, width: int) -> Samples:
    """Return the golden input of a head, (HEAD_WINDOWS, width) float32: normal random numbers.

    Args:
        golden: Its seed.
        width: The width of the embedding.
    """
    random = np.random.RandomState(golden.seed)
    return random.standard_normal((HEAD_WINDOWS, width)).astype(np.float32)


def check_golden(
    manifest: Manifest, outputs: Outputs, precision: Precision, *, exact: bool = True
) -> None:
    """Compare a model's mean outputs for the golden input with the published ones.

    Args:
        manifest: The manifest of the model.
        outputs: Its mean scores, (tags,), and then its mean embedding, if it has one.
        precision: The arithmetic that computed them, which decides on the tolerance.
        exact: Whether the network had the filters that the manifest calls negligible.

    Raises:
        WeightsError: A number is not finite or differs too much, or the best tags differ.
    """
    check_finite(outputs, str(manifest.ref))
    scores, embedding = np.split(outputs, [len(manifest.tags.names)])
    if len(scores):
        _check_scores(manifest, scores, _tolerance(manifest, precision, exact=exact))
    if len(embedding):
        _check_embedding(manifest, embedding, precision)


def _check_embedding(manifest: Manifest, embedding: Outputs, precision: Precision) -> None:
    published = np.array(manifest.golden.mean_embedding)
    difference = float(np.linalg.norm(embedding - published) / np.linalg.norm(published))
    tolerance = EMBEDDING_TOLERANCE[precision]
    if difference > tolerance:
        raise WeightsError(
            f"{manifest.ref}: the golden input's embedding differs by {difference:.1e} of its "
            f"length from the published one; expected at most {tolerance:.0e}. This machine or its "
            "libraries compute differently, so the model is not served"
        )


def _tolerance(manifest: Manifest, precision: Precision, *, exact: bool) -> float:
    tolerances = {Precision.BF16: BF16_TOLERANCE, Precision.INT8: INT8_TOLERANCE}
    tolerance = tolerances.get(precision, manifest.golden.tolerance)
    is_exact = exact or manifest.folding is None
    return tolerance if is_exact else tolerance + FOLDING_TOLERANCE


def _check_scores(manifest: Manifest, scores: Scores, tolerance: float) -> None:
    published = np.array(manifest.golden.mean_scores)
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


def check_finite(scores: Outputs, title: str) -> None:
    """Check that a model's outputs for the golden input are finite.

    Args:
        scores: (outputs,).
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
