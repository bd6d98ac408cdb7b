"""Ensemble: the mean of the scores of several models for the same window.

Each member has its own front end, so the graph goes from raw audio to the mean of sigmoids. A
member with a shorter window scores as many consecutive windows as fit.
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
        window: (samples,), at the sample rate of all members.
        members: By name, the `architecture` of each member and its arguments except `n_tags`.

    Raises:
        ValueError: There is no member, a member can't be built, or its window is longer.
    """
    if not members:
        raise ValueError("members: there are none; expected at least one")
    if len(window) != 1:
        raise ValueError(
            f"window: {tuple(window)} is not a valid shape; expected (samples,), as each member "
            "has its own front end"
        )
    inputs = keras.Input(tuple(window), name="window")
    scores = [
        _mean_scores(inputs, _member(build, n_tags, name, arguments))
        for name, arguments in members.items()
    ]
    return keras.Model(inputs, sum(scores) / len(scores), name="ensemble")


def _member(
    build: Callable[..., keras.Model], n_tags: int, name: str, arguments: Mapping[str, object]
) -> keras.Model:
    if "architecture" not in arguments:
        raise ValueError(f"members.{name}.architecture: is missing")
    own_arguments = {key: value for key, value in arguments.items() if key != "architecture"}
    member = build(str(arguments["architecture"]), n_tags=n_tags, **own_arguments)
    return keras.Model(member.input, member.output, name=name)


def _mean_scores(inputs: KerasTensor, member: keras.Model) -> KerasTensor:
    """Return the mean over the member's windows: (batch, samples) -> (batch, n_tags)."""
    samples, length = inputs.shape[1], member.input_shape[1]
    count, tags = samples // length, member.output_shape[1]
    if not count:
        raise ValueError(f"members.{member.name} needs {length} samples; a window has {samples}")
    pieces = ops.reshape(inputs[:, : count * length], (-1, length))
    return ops.mean(ops.reshape(member(pieces), (-1, count, tags)), axis=1)
