"""Vocabularies: the tags that can be suggested, and the raw tags of models with their meanings."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from app.domain import Level
from app.store.manifest.manifest import Manifest
from app.store.manifest.training_results import RAW

ENGLISH = "en"


@dataclass(frozen=True)
class Tag:
    """A tag of a vocabulary, or a genre that may be suggested instead of its subgenres.

    Attributes:
        raw_tags: Raw tags with the same meaning, by family of raw tags.
        parents: The genres that it belongs to: names of the vocabulary's genres or other tags.
            Without parents it is a genre itself.
        labels: Display names by language; without one, its name is displayed.
    """

    raw_tags: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    parents: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def raw_tags_of(self, model: Manifest) -> tuple[str, ...]:
        """Return the raw tags of a model that have the same meaning."""
        raw_tags = self.raw_tags.get(model.tags.family, ())
        return tuple(raw for raw in raw_tags if raw in model.tags.names)


@dataclass(frozen=True)
class Vocabulary:
    """A set of tags.

    Attributes:
        name: The name used in requests.
        version: Increases with each change of the tags.
        description: A description, in a sentence.
        tags: The tags by name.
        genres: By name, genres that are suggested if none of their subgenres fits as well.
    """

    name: str
    version: str
    description: str
    tags: Mapping[str, Tag]
    genres: Mapping[str, Tag] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def entries(self) -> Mapping[str, tuple[Level, Tag]]:
        """Return tags and genres by name, tags first."""
        tags = {name: (Level.TAG, tag) for name, tag in self.tags.items()}
        return tags | {name: (Level.GENRE, genre) for name, genre in self.genres.items()}

    def label(self, name: str) -> str:
        """Return the English display name of a tag or genre."""
        _, tag = self.entries[name]
        return tag.labels.get(ENGLISH, name)


def select_models(vocabulary: Vocabulary, models: Iterable[Manifest]) -> tuple[Manifest, ...]:
    """Return the models that know a tag of a vocabulary."""
    return tuple(
        model for model in models if any(tag.raw_tags_of(model) for tag in vocabulary.tags.values())
    )


def make_raw_vocabulary(model: Manifest) -> Vocabulary:
    """Return the raw tags of a model as a vocabulary."""
    family = model.tags.family
    return Vocabulary(
        RAW,
        model.version,
        f"The tags of {model.name} as it was trained on them.",
        MappingProxyType(
            {name: Tag(MappingProxyType({family: (name,)})) for name in model.tags.names}
        ),
    )
