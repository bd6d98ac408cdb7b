"""Turns the raw scores of models into scores of a vocabulary's tags that can be compared.

    raw scores --(lift over the base rate)--> comparable scores of raw tags
      --(the highest of a model's raw tags, the mean over models)--> scores of tags and genres
      --(factor of the parent genres, one a track)--> scores that are suggested and shown

Raw scores of different tags and models can't be compared: a model that was trained where one clip
in nine is `techno` gives .3 to any beat, and one that was trained on little metal gives .2 to
`metal`. The lift, score / (score + base rate), is .5 where a tag is as likely as in the training
data. It was chosen, with the two constants below, by `python -m loadtests.tag_quality`.
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
from app.tagging.vocabulary import Tag, Vocabulary, needed_models

PARENT_EXPONENT = 0.5
"""How much the parent genres count: the factor is the highest of their means to this power."""

STAND_IN_MARGIN = 2.25
"""A genre is suggested where its mean is more than this many times that of its best subgenre."""

USUAL_BASE_RATE = 0.04
"""Of the tags of models that state none: about the median of those that ship."""


@dataclass(frozen=True)
class Row:
    """A tag or genre that the models know. Indices of rows are those in `Projection.rows`.

    Attributes:
        name: Its name in the vocabulary.
        level: Whether it is a tag or a genre that stands in for its subgenres.
        columns: By model, as its index, the columns of the raw tags that mean it.
        parents: Indices of the rows of its genres; its own where it is a genre itself.
    """

    name: str
    level: Level
    columns: Mapping[int, tuple[int, ...]]
    parents: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class VocabularyScores:
    """A track's scores for a vocabulary, window by window.

    Attributes:
        rows: The tags, and the genres that stand in for their subgenres in this track.
        scores: (windows, rows).
        grid: A taggram of the same windows, for their times.
    """

    rows: tuple[Row, ...]
    scores: Scores
    grid: Taggram


@dataclass(frozen=True)
class Projection:
    """How the taggrams of some models become scores of a vocabulary's tags.

    Attributes:
        vocabulary: The vocabulary.
        models: The models to ask, in the order in which `score` takes their taggrams.
        rows: What these models know: tags first, then genres.
        is_comparable: Whether scores are lifts over base rates; otherwise they stay raw.
    """

    vocabulary: Vocabulary
    models: tuple[Manifest, ...]
    rows: tuple[Row, ...]
    is_comparable: bool

    @property
    def tags(self) -> tuple[str, ...]:
        """The names of the tags that these models can give, without genres."""
        return tuple(row.name for row in self.rows if row.level is Level.TAG)

    def score(self, taggrams: Sequence[Taggram]) -> VocabularyScores:
        """Score each tag in each window of the taggram that is the finest in time.

        Factors and genres depend on the means over the whole track, so that all windows are scored
        alike and the mean of a tag's windows is its score.
        """
        grid = min(taggrams, key=lambda taggram: taggram.hop_s)
        scores = self._scores([_on_grid(taggram, grid) for taggram in taggrams])
        if not self.is_comparable:
            return VocabularyScores(self.rows, scores, grid)
        means: Samples = scores.mean(axis=0)
        kept = [index for index in range(len(self.rows)) if self._is_shown(index, means)]
        factors = [means[list(self.rows[index].parents)].max() ** PARENT_EXPONENT for index in kept]
        # `take` keeps rows together in memory, so that all sums over windows add up in one order.
        shown = scores.take(kept, axis=1) * np.asarray(factors, np.float32)
        return VocabularyScores(tuple(self.rows[index] for index in kept), shown, grid)

    def confidence(self, taggrams: Sequence[Taggram]) -> Confidence:
        """Whether the track sounds like music that the models know."""
        return judge(self.models, taggrams)

    def _scores(self, raw: Sequence[Scores]) -> Scores:
        """(windows, rows), without the parent genres' factor."""
        if self.is_comparable:
            raw = [lift(scores, model) for scores, model in zip(raw, self.models, strict=True)]
        columns = [
            np.mean([raw[model][:, list(of)].max(axis=1) for model, of in row.columns.items()], 0)
            for row in self.rows
        ]
        return np.stack(columns, axis=1)

    def _is_shown(self, index: int, means: Samples) -> bool:
        """Whether a row is a tag, or a genre that fits much better than its best subgenre."""
        subgenres = self._subgenres[index]
        if self.rows[index].level is Level.TAG or not subgenres:
            return True
        return bool(means[index] > STAND_IN_MARGIN * means[list(subgenres)].max())

    @cached_property
    def _subgenres(self) -> tuple[tuple[int, ...], ...]:
        """For each row, the other rows that have it as a parent."""
        return tuple(
            tuple(
                index
                for index, row in enumerate(self.rows)
                if genre in row.parents and index != genre
            )
            for genre in range(len(self.rows))
        )


def project(vocabulary: Vocabulary, models: Iterable[Manifest], *, raw: bool = False) -> Projection:
    """Map a vocabulary's tags on the models that know them.

    Args:
        vocabulary: The vocabulary that is asked for.
        models: Those that may be asked.
        raw: Whether scores stay as the models give them; the genres then play no part.

    Raises:
        RequestError: `unknown_vocabulary` where these models can give none of its tags.
    """
    needed = needed_models(vocabulary, models)
    if not needed:
        raise RequestError(
            Kind.UNKNOWN_VOCABULARY,
            f"The models asked know no tag of the vocabulary {vocabulary.name!r}. "
            "GET /vocabularies lists which model knows which tag.",
        )
    raw = raw or vocabulary.name == RAW
    columns = {
        name: found
        for name, (level, tag) in vocabulary.entries.items()
        if (found := _columns(tag, needed)) and not (raw and level is Level.GENRE)
    }
    places = {name: place for place, name in enumerate(columns)}
    rows = []
    for name, found in columns.items():
        level, tag = vocabulary.entries[name]
        parents = tuple(places[parent] for parent in tag.parents if parent in places)
        rows.append(Row(name, level, found, parents or (places[name],)))
    return Projection(vocabulary, needed, tuple(rows), is_comparable=not raw)


def lift(scores: Scores, model: Manifest) -> Scores:
    """Raw scores, (windows, tags), in proportion to how common the tags are in training."""
    rates = model.base_rates.rates if model.base_rates else (USUAL_BASE_RATE,)
    lifted: Scores = scores / (scores + np.asarray(rates, np.float32))
    return lifted


def _columns(tag: Tag, models: Sequence[Manifest]) -> dict[int, tuple[int, ...]]:
    return {
        index: tuple(model.tags.names.index(raw) for raw in known)
        for index, model in enumerate(models)
        if (known := tag.known_to(model))
    }


def _on_grid(taggram: Taggram, grid: Taggram) -> Scores:
    """A taggram's scores in another's windows: those of the window around the same moment."""
    if taggram is grid:
        return taggram.scores
    moments_s = np.arange(len(grid.scores)) * grid.hop_s + grid.window_s / 2
    nearest = np.rint((moments_s - taggram.window_s / 2) / taggram.hop_s)
    scores: Scores = taggram.scores[nearest.clip(0, len(taggram.scores) - 1).astype(int)]
    return scores
