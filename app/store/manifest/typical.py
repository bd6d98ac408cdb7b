"""By what a model tells music from what is not; see `app.tagging.confidence`."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated

import numpy as np
from pydantic import Field

from app.domain import Samples
from app.store.manifest.learnt import Unit
from app.store.manifest.tables import Table

Typical = Annotated[tuple[tuple[Unit, ...], ...], Field(min_length=1)]
"""Mean scores over a track, one for each raw tag."""


class NotMusic(Table):
    """A kind of what is not music, such as noise.

    `radius`: the distance from the nearest of `typical` within which a track is doubted.
    """

    kind: Annotated[str, Field(min_length=1)]
    radius: Annotated[float, Field(gt=0)]
    typical: Typical


@dataclass(frozen=True, eq=False)
class Arrays:
    """What tracks are compared with.

    Attributes:
        typical: Square roots of the typical scores of all kinds, (typical, tags).
        radii: The radius of each one's kind, (typical,).
        weights: Of the classifier, (tags,).
    """

    typical: Samples
    radii: Samples
    weights: Samples


class Confidence(Table):
    """What a model says of each kind of what is not music, and a classifier of music and the rest.

    `weights` and `bias`: of the logarithms of mean scores, one weight for each raw tag; their sum
    is positive for music.
    """

    weights: tuple[float, ...]
    bias: float
    not_music: Annotated[tuple[NotMusic, ...], Field(min_length=1)]

    @cached_property
    def arrays(self) -> Arrays:
        """The same as arrays, made once: that takes longer than to use them."""
        kinds = self.not_music
        typical = np.array([row for kind in kinds for row in kind.typical], np.float32)
        radii = np.repeat([kind.radius for kind in kinds], [len(kind.typical) for kind in kinds])
        weights = np.array(self.weights, np.float32)
        return Arrays(np.sqrt(typical), radii.astype(np.float32), weights)

    def places(self) -> Iterator[tuple[str, Typical]]:
        """Yield all that has a number for each tag, with where it is written."""
        yield "weights", (self.weights,)
        yield from ((f"not_music.{each.kind}", each.typical) for each in self.not_music)
