"""Vocabularies that models were trained on: a tag that a model has learnt is that model's alone.

vocabularies of files --(and those that only models bring along)--> vocabularies
  vocabulary --(the models that are asked)--> vocabulary with the raw tags of these models
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType

from app.errors import VocabularyError
from app.store.manifest.manifest import Manifest
from app.store.manifest.training_results import TrainedVocabulary
from app.tagging.vocabulary import Tag, Vocabulary


def with_learnt(
    vocabularies: Mapping[str, Vocabulary], models: Iterable[Manifest]
) -> dict[str, Vocabulary]:
    """Add the vocabularies that only models bring along; of several models the first one's tags.

    Args:
        vocabularies: Those that there are, by name; they keep their tags.
        models: All that are loaded.

    Raises:
        VocabularyError: A model has no tag of the vocabulary that it was trained on.
    """
    known = dict(vocabularies)
    for model in models:
        if learnt := model.vocabulary:
            tags = known.setdefault(learnt.name, _brought(model, learnt)).tags
            if tags.keys().isdisjoint(model.tags.names):
                raise VocabularyError(
                    f"{model.ref} was trained on a vocabulary {learnt.name!r}, but has no tag of "
                    "the one that bears this name here; rename one of them, or leave the model "
                    "out of TAGGRAM_MODELS"
                )
    return known


def as_spoken(vocabulary: Vocabulary, models: Iterable[Manifest]) -> Vocabulary:
    """A vocabulary with the raw tags of these models.

    A tag that one of them learnt in this vocabulary is that model's alone, the first one's where
    several did: a raw tag that only resembles it has nothing to add. All other tags, and the
    genres, keep the raw tags that the vocabulary names.
    """
    learnt: dict[str, Mapping[str, tuple[str, ...]]] = {}
    for model in models:
        for tag in _learnt_tags(model, vocabulary.name):
            learnt.setdefault(tag, MappingProxyType({model.tags.family: (tag,)}))
    tags = {
        name: replace(tag, raw_tags=learnt.get(name, tag.raw_tags))
        for name, tag in vocabulary.tags.items()
    }
    return replace(vocabulary, tags=MappingProxyType(tags))


def has_learnt(model: Manifest, vocabulary: str) -> bool:
    """Whether a model was trained on a tag of a vocabulary."""
    return bool(_learnt_tags(model, vocabulary))


def _learnt_tags(model: Manifest, vocabulary: str) -> tuple[str, ...]:
    learnt = model.vocabulary
    if learnt is None or learnt.name != vocabulary:
        return ()
    return tuple(tag for tag in model.tags.names if tag not in learnt.unheard)


def _brought(model: Manifest, learnt: TrainedVocabulary) -> Vocabulary:
    """A model's tags as a vocabulary, without raw tags yet."""
    tags = MappingProxyType({name: Tag() for name in model.tags.names})
    return Vocabulary(learnt.name, learnt.version or model.version, learnt.description, tags)
