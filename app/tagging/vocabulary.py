"""Vocabularies: the tags that can be suggested, each with the raw tags of models that mean it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from app.domain import Level
from app.store.manifest.manifest import Manifest
from app.store.manifest.training_results import RAW

ENGLISH = "en"


@dataclass(frozen=True)
class Tag:
    """A tag of a vocabulary, or a genre that may stand in for its subgenres.

    Attributes:
        raw_tags: By family of raw tags, those that mean it.
        parents: The genres that it belongs to: names of the vocabulary's genres or other tags.
            Without parents it is a genre itself.
        labels: How it is shown, by language; without one it is shown by its name.
    """

    raw_tags: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    parents: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def known_to(self, model: Manifest) -> tuple[str, ...]:
        """Of the raw tags that mean it, those that a model has."""
        raw_tags = self.raw_tags.get(model.tags.family, ())
        return tuple(raw for raw in raw_tags if raw in model.tags.names)


@dataclass(frozen=True)
class Vocabulary:
    """A set of tags.

    Attributes:
        name: The name that requests give.
        version: Grows with each change of the tags.
        description: One sentence.
        tags: By name.
        genres: By name, genres that are suggested where none of their subgenres fits as well.
    """

    name: str
    version: str
    description: str
    tags: Mapping[str, Tag]
    genres: Mapping[str, Tag] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def entries(self) -> Mapping[str, tuple[Level, Tag]]:
        """Tags and genres by name, tags first."""
        tags = {name: (Level.TAG, tag) for name, tag in self.tags.items()}
        return tags | {name: (Level.GENRE, genre) for name, genre in self.genres.items()}

    def label(self, name: str) -> str:
        """How a tag or genre is shown in English."""
        _, tag = self.entries[name]
        return tag.labels.get(ENGLISH, name)


def needed_models(vocabulary: Vocabulary, models: Iterable[Manifest]) -> tuple[Manifest, ...]:
    """The models that know a tag of a vocabulary."""
    return tuple(
        model for model in models if any(tag.known_to(model) for tag in vocabulary.tags.values())
    )


def raw_vocabulary(model: Manifest) -> Vocabulary:
    """A model's own tags."""
    family = model.tags.family
    return Vocabulary(
        RAW,
        model.version,
        f"The tags of {model.name} as it was trained on them.",
        MappingProxyType(
            {name: Tag(MappingProxyType({family: (name,)})) for name in model.tags.names}
        ),
    )
