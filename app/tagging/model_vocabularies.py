"""Vocabularies that models were trained on: who has learnt a word speaks for it alone.

vocabularies of files --(and those that only models bring along)--> vocabularies
  vocabulary --(the models that are asked)--> vocabulary as these speak it
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType

from app.errors import VocabularyError
from app.store.learnt import LearntVocabulary
from app.store.manifest import Manifest
from app.tagging.vocabulary import Tag, Vocabulary


def with_learnt(
    vocabularies: Mapping[str, Vocabulary], models: Iterable[Manifest]
) -> dict[str, Vocabulary]:
    """Add the vocabularies that only models bring along; of several models the first's words.

    Args:
        vocabularies: Those that there are, by name; they keep their words.
        models: All that are loaded.

    Raises:
        VocabularyError: A model has no word of the vocabulary that it was trained on.
    """
    known = dict(vocabularies)
    for model in models:
        if learnt := model.vocabulary:
            words = known.setdefault(learnt.name, _brought(model, learnt)).tags
            if words.keys().isdisjoint(model.tags.names):
                raise VocabularyError(
                    f"{model.ref} was trained on a vocabulary {learnt.name!r}, but has no tag of "
                    "the one that bears this name here; rename one of them, or leave the model "
                    "out of TAGGRAM_MODELS"
                )
    return known


def as_spoken(vocabulary: Vocabulary, models: Iterable[Manifest]) -> Vocabulary:
    """A vocabulary as these models speak it.

    A tag that one of them learnt in this vocabulary is that model's alone, the first one's where
    several did: a raw tag that only resembles it has nothing to add. All other tags stay with
    whoever the vocabulary names.
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


def _learnt_tags(model: Manifest, vocabulary: str) -> tuple[str, ...]:
    learnt = model.vocabulary
    if learnt is None or learnt.name != vocabulary:
        return ()
    return tuple(tag for tag in model.tags.names if tag not in learnt.unheard)


def _brought(model: Manifest, learnt: LearntVocabulary) -> Vocabulary:
    """A model's tags as words that nobody speaks for yet."""
    tags = MappingProxyType({name: Tag() for name in model.tags.names})
    return Vocabulary(learnt.name, learnt.version or model.version, learnt.description, tags)
