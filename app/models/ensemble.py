"""Ensemble: several models hear the same window, and their scores are averaged.

Each member brings its own front end, so that the graph goes from raw audio to the mean of sigmoids.
A member whose window is shorter hears as many windows as fit, one behind the other.
"""

from collections.abc import Callable, Mapping, Sequence

import keras
from keras import KerasTensor, ops

from app.front_ends import FrontEnd

FRONT_END = FrontEnd(16_000)
WINDOW_SAMPLES = 59_049


MEMBERS: Mapping[str, Mapping[str, object]] = {
    "musicnn_zoo": {"architecture": "musicnn_zoo"},
    "short_chunk_cnn": {"architecture": "short_chunk_cnn"},
}


def ensemble(
    build: Callable[..., keras.Model],
    n_tags: int,
    window: Sequence[int],
    members: Mapping[str, Mapping[str, object]] = MEMBERS,
) -> keras.Model:
    """Build the network: window (batch, samples) to scores (batch, n_tags) in 0..1.

    Args:
        build: `app.models.build`.
        n_tags: Number of tags.
        window: (samples,), at the rate that all members hear.
        members: For each name its `architecture`, and what it is built with beside `n_tags`.
    """
    if not members:
        raise ValueError("members: one at least is needed")
    (samples,) = window
    heard = keras.Input((samples,), name="window")
    scores = [
        _mean_scores(heard, _member(build, n_tags, name, arguments))
        for name, arguments in members.items()
    ]
    return keras.Model(heard, sum(scores) / len(scores), name="ensemble")


def _member(
    build: Callable[..., keras.Model], n_tags: int, name: str, arguments: Mapping[str, object]
) -> keras.Model:
    if "architecture" not in arguments:
        raise ValueError(f"members.{name}: architecture: this is needed")
    own = {key: value for key, value in arguments.items() if key != "architecture"}
    member = build(str(arguments["architecture"]), n_tags=n_tags, **own)
    return keras.Model(member.input, member.output, name=name)


def _mean_scores(heard: KerasTensor, member: keras.Model) -> KerasTensor:
    """(batch, samples) -> (batch, n_tags), over as many of the member's windows as fit."""
    samples, length = heard.shape[1], member.input_shape[1]
    count, tags = samples // length, member.output_shape[1]
    if not count:
        raise ValueError(f"members.{member.name} hears {length} samples, a window has {samples}")
    pieces = ops.reshape(heard[:, : count * length], (-1, length))
    return ops.mean(ops.reshape(member(pieces), (-1, count, tags)), axis=1)
