"""Vocabularies: the words we suggest, each with the raw tags of the models that speak for it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from app.domain import Confidence, Scores, Taggram
from app.errors import Kind, RequestError
from app.store.learnt import RAW
from app.store.manifest import Manifest


@dataclass(frozen=True)
class Vocabulary:
    """A set of tags.

    Attributes:
        name: What callers ask for.
        version: Grows with each change of the tags.
        description: One sentence.
        tags: For each tag, and each family of raw tags, the raw tags that speak for it.
    """

    name: str
    version: str
    description: str
    tags: Mapping[str, Mapping[str, tuple[str, ...]]]


@dataclass(frozen=True)
class Projection:
    """How the taggrams of some models become scores of a vocabulary's tags.

    Attributes:
        vocabulary: Whose tags.
        models: The models to ask, in the order in which `apply` takes their taggrams.
        tags: The tags that these models can give.
        sources: For each of them the columns that speak for it: (model, raw tag) as indices.
    """

    vocabulary: Vocabulary
    models: tuple[Manifest, ...]
    tags: tuple[str, ...]
    sources: tuple[tuple[tuple[int, int], ...], ...]

    def grid(self, taggrams: Sequence[Taggram]) -> Taggram:
        """The taggram whose windows are those of `apply`: of several, the finest in time."""
        return min(taggrams, key=lambda taggram: taggram.hop_s)

    def apply(self, taggrams: Sequence[Taggram]) -> Scores:
        """Score each tag in each window by its strongest raw tag: (windows, tags)."""
        grid = self.grid(taggrams)
        scores = [_on_grid(taggram, grid) for taggram in taggrams]
        columns = [
            np.max([scores[model][:, raw] for model, raw in sources], axis=0)
            for sources in self.sources
        ]
        return np.stack(columns, axis=1)

    def confidence(self, taggrams: Sequence[Taggram]) -> Confidence:
        """Whether each model recognises enough, and any of them one of the vocabulary's tags.

        Nobody knows where no floor was measured for a model.
        """
        means = [taggram.scores.mean(axis=0) for taggram in taggrams]
        floors = [manifest.confidence for manifest in self.models]
        if any(
            floor and mean.sum() < floor.total for mean, floor in zip(means, floors, strict=True)
        ):
            return Confidence.LOW
        if not all(floors):
            return Confidence.UNKNOWN
        best = any(
            means[model][raw] >= floor.best
            for tag in self.sources
            for model, raw in tag
            if (floor := floors[model])
        )
        return Confidence.HIGH if best else Confidence.LOW


def _on_grid(taggram: Taggram, grid: Taggram) -> Scores:
    """A taggram's scores in another's windows: those of the window around the same moment."""
    if taggram is grid:
        return taggram.scores
    moments_s = np.arange(len(grid.scores)) * grid.hop_s + grid.window_s / 2
    nearest = np.rint((moments_s - taggram.window_s / 2) / taggram.hop_s)
    scores: Scores = taggram.scores[nearest.clip(0, len(taggram.scores) - 1).astype(int)]
    return scores


def needed_models(vocabulary: Vocabulary, models: Iterable[Manifest]) -> tuple[Manifest, ...]:
    """Those that a vocabulary asks: of each family that it names, the first model."""
    return tuple(
        manifest
        for manifest in first_of_families(models)
        if any(raw_tags(families, manifest) for families in vocabulary.tags.values())
    )


def first_of_families(models: Iterable[Manifest]) -> tuple[Manifest, ...]:
    """Of each family the first model: the others are asked only by name."""
    first: dict[str, Manifest] = {}
    for manifest in models:
        first.setdefault(manifest.tags.family, manifest)
    return tuple(first.values())


def raw_tags(families: Mapping[str, tuple[str, ...]], model: Manifest) -> tuple[str, ...]:
    """Of the raw tags that speak for a tag, those that a model has."""
    return tuple(raw for raw in families.get(model.tags.family, ()) if raw in model.tags.names)


def project(vocabulary: Vocabulary, models: Iterable[Manifest]) -> Projection:
    """Map a vocabulary's tags on the models that it needs.

    Raises:
        RequestError: `unknown_vocabulary` where these models can give none of its tags.
    """
    needed = needed_models(vocabulary, models)
    if not needed:
        raise RequestError(
            Kind.UNKNOWN_VOCABULARY,
            f"No tag of the vocabulary {vocabulary.name!r} can be given by the models asked. "
            "GET /vocabularies lists what is covered, and by which model.",
        )
    sources = {tag: _sources(families, needed) for tag, families in vocabulary.tags.items()}
    covered = {tag: found for tag, found in sources.items() if found}
    return Projection(vocabulary, needed, tuple(covered), tuple(covered.values()))


def raw_vocabulary(manifest: Manifest) -> Vocabulary:
    """A model's own tags."""
    family = manifest.tags.family
    return Vocabulary(
        RAW,
        manifest.version,
        f"The tags of {manifest.name} as it was trained on them.",
        MappingProxyType({tag: {family: (tag,)} for tag in manifest.tags.names}),
    )


def _sources(
    families: Mapping[str, tuple[str, ...]], models: Sequence[Manifest]
) -> tuple[tuple[int, int], ...]:
    return tuple(
        (index, manifest.tags.names.index(raw))
        for index, manifest in enumerate(models)
        for raw in raw_tags(families, manifest)
    )
