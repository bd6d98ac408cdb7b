"""Data with which a model distinguishes music from other audio; see `app.tagging.confidence`."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated

import numpy as np
from pydantic import Field

from app.domain import Samples
from app.store.manifest.tables import Table
from app.store.manifest.training_results import Unit

Typical = Annotated[tuple[tuple[Unit, ...], ...], Field(min_length=1)]
"""Mean scores over tracks, (tracks, tags)."""


class NotMusic(Table):
    """A kind of audio that is not music, such as noise.

    Attributes:
        kind: Its name.
        radius: The distance from the nearest of `typical` within which a track may be of this kind.
        typical: Typical scores of this kind.
    """

    kind: Annotated[str, Field(min_length=1)]
    radius: Annotated[float, Field(gt=0)]
    typical: Typical


@dataclass(frozen=True, eq=False)
class Arrays:
    """The data of `Confidence` as arrays.

    Attributes:
        typical: Square roots of the typical scores of all kinds, (typical, tags).
        radii: The radius of the kind of each row, (typical,).
        weights: The weights of the classifier, (tags,).
    """

    typical: Samples
    radii: Samples
    weights: Samples


class Confidence(Table):
    """A model's typical scores of audio that is not music, and a linear classifier of music.

    Attributes:
        weights: The weight of the logarithm of each raw tag's mean score.
        bias: The bias of the classifier; the sum is positive for music.
        not_music: The kinds of audio that are not music.
    """

    weights: tuple[float, ...]
    bias: float
    not_music: Annotated[tuple[NotMusic, ...], Field(min_length=1)]

    @cached_property
    def arrays(self) -> Arrays:
        """The same as arrays, computed once, as that takes longer than using them."""
        kinds = self.not_music
        typical = np.array([row for kind in kinds for row in kind.typical], np.float32)
        radii = np.repeat([kind.radius for kind in kinds], [len(kind.typical) for kind in kinds])
        weights = np.array(self.weights, np.float32)
        return Arrays(np.sqrt(typical), radii.astype(np.float32), weights)

    def places(self) -> Iterator[tuple[str, Typical]]:
        """Yield all arrays with a number for each tag, with their keys in the manifest."""
        yield "weights", (self.weights,)
        yield from ((f"not_music.{each.kind}", each.typical) for each in self.not_music)
