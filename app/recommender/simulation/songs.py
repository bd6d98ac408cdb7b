"""The songs that simulated artists and curators are made of: real tag vectors, or made ones."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import logit

from app.domain import Scores
from app.recommender.data import Floats, Indices, TagVectors
from app.tagging.vocabulary import Vocabulary

MADE = 2_000
"""The number of made songs."""

LOWEST, HIGHEST = 1e-3, 1 - 1e-3
"""Scores are cut to these before their logits are taken."""

BASE_SUBGENRE, BASE_MOOD = -3.2, -2.2
OWN, RELATED, MOOD, NOISE = 3.2, 0.9, 1.1, 0.5
"""Logits of a made song: without reason, for its subgenres, for others of their genre, the spread
of moods, and the spread of all."""


@dataclass(frozen=True, eq=False)
class Songs:
    """A pool of songs.

    Attributes:
        tags: The names of all tags.
        subgenres: The names of those that artists and curators choose from.
        logits: The logits of the tag scores, (songs, tags).
    """

    tags: tuple[str, ...]
    subgenres: tuple[str, ...]
    logits: Floats

    @cached_property
    def subgenre_columns(self) -> Indices:
        """Return the columns of the subgenres, (subgenres,)."""
        return np.array([self.tags.index(name) for name in self.subgenres], np.int64)

    @cached_property
    def _scale(self) -> tuple[Floats, Floats]:
        spread = self.logits.std(axis=0)
        return self.logits.mean(axis=0), np.where(spread > 0, spread, 1.0)

    def directions(self, logits: Floats) -> Floats:
        """Return unit vectors of what distinguishes songs from the others, (..., tags)."""
        mean, spread = self._scale
        standard = (logits - mean) / spread
        lengths = np.linalg.norm(standard, axis=-1, keepdims=True)
        directions: Floats = standard / np.maximum(lengths, np.finfo(float).tiny)
        return directions


def make_songs(
    subgenres: Vocabulary, others: Vocabulary, random: np.random.RandomState, count: int = MADE
) -> Songs:
    """Make up songs: one to three subgenres of one genre each, and moods.

    Args:
        subgenres: The subgenres, of which those without a genre are genres of their own.
        others: Tags that artists don't choose, such as moods.
        random: The source of random numbers.
        count: The number of songs.
    """
    names = tuple(subgenres.tags)
    moods = tuple(name for name in others.tags if name not in subgenres.tags)
    genres = _by_genre(subgenres)
    is_own, is_related = np.zeros((2, count, len(names)), bool)
    for song in range(count):
        related = genres[random.randint(len(genres))]
        own = random.choice(related, min(len(related), 1 + random.randint(3)), replace=False)
        is_related[song, related], is_own[song, own] = True, True
    of_subgenres = BASE_SUBGENRE + OWN * is_own + RELATED * is_related
    of_moods = BASE_MOOD + MOOD * random.normal(size=(count, len(moods)))
    logits = np.hstack([of_subgenres, of_moods])
    return Songs((*names, *moods), names, logits + NOISE * random.normal(size=logits.shape))


def take_songs(vectors: TagVectors, subgenres: Sequence[str]) -> Songs:
    """Return real songs as a pool.

    Args:
        vectors: Their tag vectors.
        subgenres: The subgenres to choose from; those that the vectors lack are left out.
    """
    known = tuple(name for name in subgenres if name in vectors.tags)
    return Songs(vectors.tags, known, as_logits(vectors.scores))


def as_logits(scores: Scores) -> Floats:
    """Return the logits of scores within 0..1."""
    logits: Floats = logit(np.clip(scores.astype(float), LOWEST, HIGHEST))
    return logits


def _by_genre(vocabulary: Vocabulary) -> list[Indices]:
    """Return the columns of the subgenres of each genre."""
    members: dict[str, list[int]] = {}
    for column, (name, tag) in enumerate(vocabulary.tags.items()):
        members.setdefault(tag.parents[0] if tag.parents else name, []).append(column)
    return [np.array(each, np.int64) for each in members.values()]
