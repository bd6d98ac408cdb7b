"""Vocabularies that models were trained on: only such a model predicts the tags it was trained on.

vocabularies of files --(add those that only models have)--> vocabularies
  vocabulary --(for the models in use)--> vocabulary with the raw tags of these models
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType

from app.errors import VocabularyError
from app.store.manifest.manifest import Manifest
from app.store.manifest.training_results import TrainedVocabulary
from app.tagging.vocabulary import Tag, Vocabulary


def add_model_vocabularies(
    vocabularies: Mapping[str, Vocabulary], models: Iterable[Manifest]
) -> dict[str, Vocabulary]:
    """Add the vocabularies that only models define; of several models, the first one defines it.

    Args:
        vocabularies: The existing vocabularies by name, which keep their tags.
        models: All loaded models.

    Returns:
        All vocabularies, by name.

    Raises:
        VocabularyError: A model has no tag of the vocabulary that it was trained on.
    """
    known = dict(vocabularies)
    for model in models:
        if trained := model.vocabulary:
            tags = known.setdefault(trained.name, _vocabulary_of(model, trained)).tags
            if tags.keys().isdisjoint(model.tags.names):
                raise VocabularyError(
                    f"{model.ref} was trained on a vocabulary {trained.name!r}, but has no tag of "
                    "the vocabulary with this name here; rename one of them, or remove the model "
                    "from TAGGRAM_MODELS"
                )
    return known


def with_model_tags(vocabulary: Vocabulary, models: Iterable[Manifest]) -> Vocabulary:
    """Return a vocabulary with the raw tags of these models.

    If models were trained on a tag of this vocabulary, only the first of them predicts it: raw tags
    that merely resemble the tag add nothing. All other tags, and the genres, keep the raw tags of
    the vocabulary.
    """
    trained: dict[str, Mapping[str, tuple[str, ...]]] = {}
    for model in models:
        for tag in _trained_tags(model, vocabulary.name):
            trained.setdefault(tag, MappingProxyType({model.tags.family: (tag,)}))
    tags = {
        name: replace(tag, raw_tags=trained.get(name, tag.raw_tags))
        for name, tag in vocabulary.tags.items()
    }
    return replace(vocabulary, tags=MappingProxyType(tags))


def is_trained_on(model: Manifest, vocabulary: str) -> bool:
    """Return whether a model was trained on a tag of a vocabulary."""
    return bool(_trained_tags(model, vocabulary))


def _trained_tags(model: Manifest, vocabulary: str) -> tuple[str, ...]:
    trained = model.vocabulary
    if trained is None or trained.name != vocabulary:
        return ()
    return tuple(tag for tag in model.tags.names if tag not in trained.unheard)


def _vocabulary_of(model: Manifest, trained: TrainedVocabulary) -> Vocabulary:
    """Return a model's tags as a vocabulary, without raw tags."""
    tags = MappingProxyType({name: Tag() for name in model.tags.names})
    return Vocabulary(trained.name, trained.version or model.version, trained.description, tags)
