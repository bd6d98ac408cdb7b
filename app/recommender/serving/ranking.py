"""Ranks curators for an artist who is given by content."""

from collections.abc import Collection, Sequence

import numpy as np

from app.recommender.data import UNKNOWN, Floats, Indices
from app.recommender.identities.building import PoolingRule
from app.recommender.identities.styles import group_styles
from app.recommender.models.content import ArtistContent
from app.recommender.models.content_model import ContentModel
from app.recommender.models.pair_features import pair_features
from app.recommender.policies.bandit import ThompsonSampling
from app.recommender.serving.contents import Contents, usable_tracks
from app.recommender.serving.query import ArtistQuery

CANDIDATES = 100
"""The best curators by the model, from which a bandit chooses."""


class Ranker:
    """Ranks the curators of a package."""

    def __init__(self, subgenres: Sequence[str], contents: Contents, model: ContentModel) -> None:
        """Number what queries name.

        Args:
            subgenres: The names that artists choose from.
            contents: The contents of the package.
            model: Its model, restored.
        """
        self._contents, self._model = contents, model
        self._subgenres = {name: number for number, name in enumerate(subgenres)}
        self._countries = {name: number for number, name in enumerate(contents.countries, 1)}
        self._curators = {name: number for number, name in enumerate(contents.curators)}
        self._artists = {name: number for number, name in enumerate(contents.artists)}

    def rank(
        self, query: ArtistQuery, k: int, exclude: Collection[str] = ()
    ) -> tuple[Indices, Floats]:
        """Return the best curators and their scores, the highest first, (curators,) each.

        Curators with equal scores are in the order of the platform's table.

        Args:
            query: The artist.
            k: The number of curators; there are fewer if too few are left.
            exclude: Ids of curators to leave out; unknown ones have no effect.
        """
        artist = self._describe(query)
        excluded = np.zeros(len(self._curators), bool)
        excluded[[self._curators[name] for name in exclude if name in self._curators]] = True
        which = self._model.shortlist(artist, excluded)
        curators = np.arange(len(excluded))[which]
        scores = self._model.score_content(artist, which)[0].astype(float)
        allowed = np.flatnonzero(~excluded[curators])
        best = allowed[highest(scores[allowed], k)]
        return curators[best], scores[best]

    def explore(
        self,
        query: ArtistQuery,
        k: int,
        exclude: Collection[str],
        bandit: ThompsonSampling,
        seed: int | None,
    ) -> tuple[Indices, Floats, Floats]:
        """Return curators that a bandit chose from the best ones, in its order, (curators,) each.

        Args:
            query: The artist.
            k: The number of curators; there are fewer if too few are left.
            exclude: Ids of curators to leave out; unknown ones have no effect.
            bandit: The bandit.
            seed: The seed of the draw, within 0..2^32 - 1; None for any.

        Returns:
            The curators, the model's scores, and the probabilities of being chosen.
        """
        curators, scores = self.rank(query, max(k, CANDIDATES), exclude)
        blocks = pair_features(
            self._describe(query), self._model.profiles, curators, has_tags=self._model.has_tags
        )
        features = np.stack([block[0] for block in blocks], axis=1).astype(float)
        order, propensities = bandit.rerank(features, np.random.RandomState(seed), k)
        return curators[order], scores[order], propensities

    def is_cold(self, query: ArtistQuery) -> bool:
        """Return whether the model was not trained on interactions of an artist's id."""
        number = self._number(query)
        return number == UNKNOWN or not self._model.known_artists[number]

    def _number(self, query: ArtistQuery) -> int:
        return UNKNOWN if query.artist_id is None else self._artists.get(query.artist_id, UNKNOWN)

    def _describe(self, query: ArtistQuery) -> ArtistContent:
        """Return an artist as models are given it: like those of the platform."""
        chosen = np.zeros((1, len(self._subgenres)), np.float32)
        chosen[0, [self._subgenres[name] for name in query.subgenres]] = 1
        directions = self._directions(query)
        return ArtistContent(
            np.array([self._number(query)]),
            chosen,
            np.array([self._countries.get(query.country, 0)]),
            np.zeros(len(directions), np.int64),
            directions,
        )

    def _directions(self, query: ArtistQuery) -> Floats:
        """Return the direction of each style of an artist's tracks, (styles, tags)."""
        space, tracks = self._contents.space, usable_tracks(query.tracks)
        if not self._model.has_tags or not len(tracks):
            return np.zeros((0, len(space.mean)))
        styles = group_styles(space.directions(tracks))
        return space.directions(np.stack([PoolingRule().apply(tracks[each]) for each in styles]))


def highest(scores: Floats, k: int) -> Indices:
    """Return the indices of the highest scores, the highest first, at most k; ties in order.

    Args:
        scores: (n,).
        k: The number of indices, at least 1.
    """
    if k < len(scores):
        least = np.partition(scores, len(scores) - k)[len(scores) - k]
        candidates = np.flatnonzero(scores >= least)
    else:
        candidates = np.arange(len(scores))
    order = np.argsort(-scores[candidates], kind="stable")[:k]
    best: Indices = candidates[order]
    return best
