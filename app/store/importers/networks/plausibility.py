"""Refuses networks with outputs that can't be scores, as with the front end of another network."""

import numpy as np

from app.domain import Outputs, Samples
from app.errors import SetupError

CLIP_S = 24.0
PARTS = 8
"""Number of different sounds in the clip."""

LEAST_CHANGE = 1e-4
"""The least standard deviation over time of the tag, or number, that changes most."""

ROUNDING = 1e-6
"""Scores may leave 0 to 1 by this, in float32."""


def make_clip(sample_rate: int, least: int) -> Samples:
    """Return a clip of different sounds: tones, chords, noise, clicks and sweeps, (samples,).

    Args:
        sample_rate: In Hz.
        least: The least number of samples.
    """
    random = np.random.RandomState(1)
    length = max(round(CLIP_S * sample_rate), least) // PARTS + 1
    time = np.arange(length) / sample_rate
    noise = random.standard_normal(length)
    clicks = np.where(np.arange(length) % (sample_rate // 2) < sample_rate // 50, noise, 0)
    chord = sum(np.sin(2 * np.pi * hz * time) for hz in (220, 277.2, 329.6))
    sweep = np.sin(2 * np.pi * (100 * time + 800 * time**2))
    low, high = (np.sin(2 * np.pi * hz * time) for hz in (80, 3000))
    parts = [0.3 * noise, 0.5 * clicks, 0.3 * chord, 0.8 * sweep, 0.8 * low, 0.3 * high]
    parts += [0.2 * chord + 0.5 * clicks, 0.01 * noise]
    return np.clip(np.concatenate(parts), -1, 1).astype(np.float32)


def check_plausible(outputs: Outputs, tags: int, title: str) -> None:
    """Check that outputs for the clip may be those of a tagger.

    Args:
        outputs: (windows, tags + embedding).
        tags: The number of tags.
        title: The network, as messages name it.

    Raises:
        SetupError: They are NaN, infinite, the same all the time, or scores outside of 0 to 1.
    """
    if not np.isfinite(outputs).all():
        raise SetupError(
            f"{title}: outputs for a test clip are NaN or infinite; the front end is not that of "
            "the network's training, or the network is damaged"
        )
    scores, embedding = outputs[:, :tags], outputs[:, tags:]
    for what, numbers in (("scores", scores), ("the embeddings", embedding)):
        change = float(numbers.std(axis=0).max(initial=0))
        if numbers.size and change < LEAST_CHANGE:
            raise SetupError(
                f"{title}: {what} of a test clip of {PARTS} different sounds do not change "
                f"(standard deviation {change:.1e}); the front end is not that of the network's "
                "training"
            )
    if tags and not (scores.min() > -ROUNDING and scores.max() < 1 + ROUNDING):
        raise SetupError(
            f"{title}: scores of a test clip range from {scores.min():.3g} to {scores.max():.3g}; "
            "expected 0 to 1. Does the network end in logits? Then pass --activation sigmoid if "
            "several tags may apply at once, or softmax if one does; else name its scores with "
            "--output"
        )
