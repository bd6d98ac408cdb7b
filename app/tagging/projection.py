"""Turns the raw scores of models into comparable scores of a vocabulary's tags.

    raw scores --(lift over the base rate)--> comparable scores of raw tags
      --(the maximum over a model's raw tags, the mean over models)--> scores of tags and genres
      --(a factor of the parent genres, constant over a track)--> suggested scores

Raw scores of different tags and models can't be compared. A model trained on data in which one clip
in nine is `techno` scores any beat at .3 for `techno`. A model trained on little metal scores metal
at .2 for `metal`.
The lift, score / (score + base rate), is .5 if a tag is as likely as in the training data. The lift
and the two constants below were chosen with `python -m loadtests.quality.tags`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from app.domain import Confidence, Level, Samples, Scores, Taggram
from app.errors import Kind, RequestError
from app.store.manifest.manifest import Manifest
from app.store.manifest.training_results import RAW
from app.tagging.confidence import judge
from app.tagging.vocabulary import Tag, Vocabulary, select_models

PARENT_EXPONENT = 0.5
"""The factor of the parent genres is the maximum of their means to this power."""

STAND_IN_MARGIN = 2.25
"""A genre is suggested if its mean is more than this factor times that of its best subgenre."""

USUAL_BASE_RATE = 0.04
"""The base rate of tags of models that state none: about the median of the shipped models."""


@dataclass(frozen=True)
class Row:
    """A tag or genre that the models know. Indices of rows refer to `Projection.rows`.

    Attributes:
        name: Its name in the vocabulary.
        level: Whether it is a tag or a genre.
        columns: By index of a model, the columns of the raw tags with its meaning.
        parents: Indices of the rows of its genres; its own index if it has no parents.
    """

    name: str
    level: Level
    columns: Mapping[int, tuple[int, ...]]
    parents: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class VocabularyScores:
    """A track's scores for a vocabulary, window by window.

    Attributes:
        rows: The tags, and the genres that are suggested instead of their subgenres.
        scores: (windows, rows) float32.
        grid: A taggram with the same windows, for their times.
    """

    rows: tuple[Row, ...]
    scores: Scores
    grid: Taggram


@dataclass(frozen=True)
class Projection:
    """How the taggrams of some models become scores of a vocabulary's tags.

    Attributes:
        vocabulary: The vocabulary.
        models: The models to use, in the order in which `score` takes their taggrams.
        rows: The tags and genres that these models know, tags first.
        is_comparable: Whether scores are lifts over base rates; otherwise they are raw.
    """

    vocabulary: Vocabulary
    models: tuple[Manifest, ...]
    rows: tuple[Row, ...]
    is_comparable: bool

    @property
    def tags(self) -> tuple[str, ...]:
        """Return the names of the tags that these models can predict, without genres."""
        return tuple(row.name for row in self.rows if row.level is Level.TAG)

    def score(self, taggrams: Sequence[Taggram]) -> VocabularyScores:
        """Score each tag in each window of the taggram with the shortest hop.

        Factors and genres depend on means over the whole track, so that the mean of a tag's windows
        is its score over the track.

        Args:
            taggrams: The taggram of each model, in the order of `models`.

        Returns:
            (windows, rows) float32: all tags, and the genres that are suggested.
        """
        grid = min(taggrams, key=lambda taggram: taggram.hop_s)
        scores = self._scores([_on_grid(taggram, grid) for taggram in taggrams])
        if not self.is_comparable:
            return VocabularyScores(self.rows, scores, grid)
        means: Samples = scores.mean(axis=0)
        kept = [index for index in range(len(self.rows)) if self._is_shown(index, means)]
        factors = [means[list(self.rows[index].parents)].max() ** PARENT_EXPONENT for index in kept]
        # `take` returns C-contiguous rows, so that sums over windows always add in the same order.
        shown = scores.take(kept, axis=1) * np.asarray(factors, np.float32)
        return VocabularyScores(tuple(self.rows[index] for index in kept), shown, grid)

    def score_tracks(self, means: Sequence[Scores]) -> Scores:
        """Score many tracks at once, each as if its mean scores were its only window.

        Args:
            means: For each model, in the order of `models`, (tracks, raw tags) float32.

        Returns:
            (tracks, rows) float32; -inf for genres that `score` leaves out.
        """
        scores = self._scores(means)
        if not self.is_comparable:
            return scores
        factors = [scores[:, list(row.parents)].max(axis=1) ** PARENT_EXPONENT for row in self.rows]
        shown: Scores = scores * np.stack(factors, axis=1)
        for genre, subgenres in enumerate(self._subgenres):
            if self.rows[genre].level is Level.GENRE and subgenres:
                best = scores[:, list(subgenres)].max(axis=1)
                shown[scores[:, genre] <= STAND_IN_MARGIN * best, genre] = -np.inf
        return shown

    def confidence(self, taggrams: Sequence[Taggram]) -> Confidence:
        """Return the confidence that the track is music that the models know."""
        return judge(self.models, taggrams)

    def _scores(self, raw: Sequence[Scores]) -> Scores:
        """Return scores, (windows, rows), without the factor of the parent genres."""
        if self.is_comparable:
            raw = [lift(scores, model) for scores, model in zip(raw, self.models, strict=True)]
        columns = [
            np.mean([raw[model][:, list(of)].max(axis=1) for model, of in row.columns.items()], 0)
            for row in self.rows
        ]
        return np.stack(columns, axis=1)

    def _is_shown(self, index: int, means: Samples) -> bool:
        """Return whether a row is a tag, or a genre that fits much better than its subgenres."""
        subgenres = self._subgenres[index]
        if self.rows[index].level is Level.TAG or not subgenres:
            return True
        return bool(means[index] > STAND_IN_MARGIN * means[list(subgenres)].max())

    @cached_property
    def _subgenres(self) -> tuple[tuple[int, ...], ...]:
        """Return for each row the other rows that have it as a parent."""
        return tuple(
            tuple(
                index
                for index, row in enumerate(self.rows)
                if genre in row.parents and index != genre
            )
            for genre in range(len(self.rows))
        )


def project(vocabulary: Vocabulary, models: Iterable[Manifest], *, raw: bool = False) -> Projection:
    """Map a vocabulary's tags to the models that know them.

    Args:
        vocabulary: The vocabulary.
        models: The models that may be used.
        raw: Whether scores stay raw; genres are then left out.

    Returns:
        The projection, with the models that know a tag.

    Raises:
        RequestError: `unknown_vocabulary` if these models know none of its tags.
    """
    needed = select_models(vocabulary, models)
    if not needed:
        raise RequestError(
            Kind.UNKNOWN_VOCABULARY,
            f"The requested models know no tag of the vocabulary {vocabulary.name!r}. "
            "GET /vocabularies lists which model knows which tag.",
        )
    raw = raw or vocabulary.name == RAW
    columns = {
        name: found
        for name, (level, tag) in vocabulary.entries.items()
        if (found := _columns(tag, needed)) and not (raw and level is Level.GENRE)
    }
    indices = {name: index for index, name in enumerate(columns)}
    rows = []
    for name, found in columns.items():
        level, tag = vocabulary.entries[name]
        parents = tuple(indices[parent] for parent in tag.parents if parent in indices)
        rows.append(Row(name, level, found, parents or (indices[name],)))
    return Projection(vocabulary, needed, tuple(rows), is_comparable=not raw)


def lift(scores: Scores, model: Manifest) -> Scores:
    """Return the lift of raw scores, (windows, tags), over the tags' base rates in training."""
    rates = model.base_rates.rates if model.base_rates else (USUAL_BASE_RATE,)
    lifted: Scores = scores / (scores + np.asarray(rates, np.float32))
    return lifted


def _columns(tag: Tag, models: Sequence[Manifest]) -> dict[int, tuple[int, ...]]:
    return {
        index: tuple(model.tags.names.index(raw) for raw in known)
        for index, model in enumerate(models)
        if (known := tag.raw_tags_of(model))
    }


def _on_grid(taggram: Taggram, grid: Taggram) -> Scores:
    """Return a taggram's scores in the windows of another, by the nearest centres of windows."""
    if taggram is grid:
        return taggram.scores
    moments_s = grid.starts_s + grid.window_s / 2
    centres_s = taggram.starts_s + taggram.window_s / 2
    nearest = np.searchsorted((centres_s[1:] + centres_s[:-1]) / 2, moments_s)
    scores: Scores = taggram.scores[nearest]
    return scores
