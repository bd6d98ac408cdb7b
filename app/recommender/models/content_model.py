"""What models that score artists by their content share: they can be published and served."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from app.errors import SetupError, WeightsError
from app.recommender.data import Floats, Indices, Mask
from app.recommender.models.base import Tastes, Training
from app.recommender.models.content import ALL, ArtistContent, CuratorProfiles, Which
from app.recommender.similarity import Matrix

Parameters = Mapping[str, npt.NDArray[Any]]
"""Arrays of any shape by name."""


class ContentModel(ABC):
    """A model that scores curators for artists by what is known of both sides.

    Attributes:
        name: See `Recommender`.
        predicts_scores: See `Recommender`.
        has_tags: Whether tag vectors are among the inputs.
        profiles: The curators, once the model is trained or restored.
        known_artists: Which artists it was trained on by their id, (artists,); empty for models
            without ids.
    """

    name: str
    predicts_scores: bool
    has_tags: bool
    profiles: CuratorProfiles
    known_artists: Mask = np.zeros(0, bool)

    def fit(self, training: Training) -> None:
        """Train the model.

        Raises:
            SetupError: The training data lacks what the model needs.
        """
        tastes = needed_tastes(training, self.name) if self.has_tags else None
        self.profiles = CuratorProfiles.of(training.platform, tastes)
        self._artists = ArtistContent.of(training.platform, tastes)
        self._fit(training, tastes)

    def score(self, artists: Indices, curators: Indices) -> Floats:
        """See `Recommender`."""
        return self.score_content(self._artists.take(artists), curators).astype(float)

    def restore(self, profiles: CuratorProfiles, parameters: Parameters) -> None:
        """Make this a model that was trained before.

        Args:
            profiles: The curators that it was trained on.
            parameters: Those that `parameters` returned.

        Raises:
            WeightsError: A parameter is missing or has another shape than expected.
        """
        self.profiles = profiles
        self._restore(parameters)

    def shortlist(self, artist: ArtistContent, excluded: Mask) -> Which:
        """Return the curators worth scoring for an artist; by default all.

        Args:
            artist: One artist.
            excluded: Which curators are not to be recommended, (curators,).
        """
        del artist, excluded
        return ALL

    @abstractmethod
    def score_content(self, artists: ArtistContent, curators: Which) -> Matrix:
        """Return the score of each curator for each artist, (artists, curators).

        Args:
            artists: The artists.
            curators: The curators.
        """

    @abstractmethod
    def parameters(self) -> Parameters:
        """Return what was trained, apart from the profiles."""

    @abstractmethod
    def _fit(self, training: Training, tastes: Tastes | None) -> None:
        """Train the model; `profiles` is set."""

    @abstractmethod
    def _restore(self, parameters: Parameters) -> None:
        """Set what was trained; `profiles` is set."""


def needed_tastes(training: Training, name: str) -> Tastes:
    """Return the tag vectors of training data.

    Raises:
        SetupError: It has none.
    """
    if training.tastes is None:
        raise SetupError(f"the model {name} needs tag vectors; give a catalogue")
    return training.tastes


def check_shapes(parameters: Parameters, expected: Mapping[str, tuple[int, ...]]) -> None:
    """Check that parameters have exactly the names and shapes of a model's.

    Raises:
        WeightsError: One differs.
    """
    for name in {**expected, **parameters}:
        shape = parameters[name].shape if name in parameters else "missing"
        if shape != expected.get(name):
            raise WeightsError(
                f"model.{name}: its shape is {shape}; expected {expected.get(name, 'none')}"
            )
