"""What is said about a published model, and committed, while its weights are not."""

from collections import Counter
from itertools import groupby
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from app.domain import ModelRef
from app.errors import ManifestError
from app.front_ends import FrontEnd, WindowSpec
from app.store.manifest.learnt import (
    Calibration,
    Evaluation,
    LearntVocabulary,
    Sha256,
    Thresholds,
    Unit,
)
from app.store.manifest.printable_words import checked_word
from app.store.manifest.tables import Table, checked, parsed
from app.store.manifest.typical import Confidence
from app.store.storage.store import MANIFEST, Store

Count = Annotated[int, Field(gt=0, lt=2**20)]
Version = Annotated[str, Field(pattern=r"^[1-9][0-9]*$")]


MOST_TAGS = 4_096

MOST_SECONDS = 600
"""Of a golden input."""

MOST_WORK = 2**24
"""Numbers that may be computed for a golden input."""

SINES = 4
"""Its samples count as so many numbers each, as they are made of sines."""


def _distinct(names: tuple[str, ...]) -> tuple[str, ...]:
    twice = sorted(name for name, count in Counter(names).items() if count > 1)
    if twice:
        raise ValueError(f"named twice: {', '.join(twice)}")
    return names


class Architecture(Table):
    """Which of `app.models` builds the network, and with what."""

    name: str
    arguments: dict[str, object] = Field(default_factory=dict)


class Window(Table):
    """What the network hears at a time, in frames of the front end."""

    frames: Count
    hop_frames: Count


class Tags(Table):
    """The raw tags in the order of the network's outputs, and the family that names them.

    Vocabularies refer to a family, so that all models trained on the same tags share an entry.
    """

    family: Annotated[str, Field(pattern=r"^[a-z0-9-]+$")]
    names: Annotated[
        tuple[str, ...], Field(min_length=1, max_length=MOST_TAGS), AfterValidator(_distinct)
    ]


class Weights(Table):
    """The weights' file beside the manifest and its SHA-256."""

    file: Annotated[str, Field(pattern=r"^[a-z0-9.-]+\.safetensors$")]
    sha256: Sha256


class Checkpoint(Table):
    """A released file of `torch.save`; see `app.store.importers.available_models`.

    `base` is the URL of the folder that it was released in, and `path` where it is in there, as in
    a mirror of that folder.
    """

    base: Annotated[str, Field(pattern=r"^https://[^?#]+[^/?#]$")]
    path: Annotated[str, Field(pattern=r"^[a-z0-9_-]+(/[a-z0-9_-]+)*\.pth$")]
    size: Annotated[int, Field(gt=0)]
    sha256: Sha256


class Source(Table):
    """Where the weights come from and under which terms.

    `trained_on` and `data_terms`: the training data, and under which terms those were to be had.
    `wheel_checkpoint`: the weights' name in the wheel of musicnn, where `taggram models pull` can
    bring them. `checkpoint`: the file that they were converted from, where
    `taggram models pull NAME` can bring it.
    """

    wheel_checkpoint: Annotated[str, Field(pattern=r"^[A-Za-z0-9_]+$")] | None = None
    description: str
    url: str
    licence: str
    trained_on: str | None = None
    data_terms: str | None = None
    citation: str
    checkpoint: Checkpoint | None = None


class BaseRates(Table):
    """The share of the training data that has each raw tag, and where that is known from."""

    source: Annotated[str, Field(min_length=1)]
    rates: tuple[Annotated[float, Field(ge=1e-6, lt=1)], ...]


class Golden(Table):
    """A seeded input and what comes out; see `app.store.registry.golden`."""

    seed: Annotated[int, Field(ge=0, lt=2**32)]
    seconds: Annotated[float, Field(gt=0, le=MOST_SECONDS)]
    tolerance: Annotated[float, Field(gt=0)]
    mean_scores: tuple[Unit, ...]


class ModelSpec(Table):
    """What is known of a model before it is published; see `app.store.registry.publishing`."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    version: Version | None = None
    summary: str
    architecture: Architecture
    front_end: FrontEnd
    window: Window
    tags: Tags
    source: Source
    evaluation: Evaluation | None = None
    base_rates: BaseRates | None = None
    confidence: Confidence | None = None
    vocabulary: LearntVocabulary | None = None
    thresholds: Thresholds | None = None
    calibration: Calibration | None = None

    @model_validator(mode="after")
    def _tags_meet(self) -> Self:
        if self.vocabulary:
            for tag in self.tags.names:
                checked_word(tag)
        said = {
            "vocabulary.unheard": self.vocabulary.unheard if self.vocabulary else (),
            "thresholds.scores": self.thresholds.scores if self.thresholds else (),
            "evaluation.tags": self.evaluation.tags if self.evaluation else (),
        }
        for place, tags in said.items():
            if unknown := sorted(set(tags) - set(self.tags.names)):
                raise ValueError(f"{place}: the model has no tag {', '.join(unknown)}")
        return self

    @model_validator(mode="after")
    def _one_number_of_confidence_a_tag(self) -> Self:
        for place, rows in self.confidence.places() if self.confidence else ():
            for row in rows:
                if len(row) != len(self.tags.names):
                    raise ValueError(
                        f"confidence.{place}: {len(row)} numbers for "
                        f"{len(self.tags.names)} tags; write one for each tag"
                    )
        return self

    @model_validator(mode="after")
    def _one_rate_a_tag(self) -> Self:
        if self.base_rates and len(self.base_rates.rates) != len(self.tags.names):
            raise ValueError(
                f"base_rates.rates: {len(self.base_rates.rates)} rates for "
                f"{len(self.tags.names)} tags; write one for each tag"
            )
        return self

    @model_validator(mode="after")
    def _windows_meet(self) -> Self:
        if self.window.hop_frames > self.window.frames:
            raise ValueError("window.hop_frames: what lies between windows would not be heard")
        _ = self.window_spec  # or a window is too large
        return self

    @property
    def title(self) -> str:
        """What messages begin with."""
        return f"{self.name}/{self.version}" if self.version else self.name

    @property
    def window_spec(self) -> WindowSpec:
        """What the network hears at a time."""
        return WindowSpec(self.front_end, self.window.frames, self.window.hop_frames)


class Manifest(ModelSpec):
    """All that is known of one version of one model. Immutable once published."""

    version: Version
    weights: Weights
    golden: Golden

    @model_validator(mode="after")
    def _one_score_a_tag(self) -> Self:
        if len(self.golden.mean_scores) != len(self.tags.names):
            raise ValueError("golden.mean_scores: not one score for each tag")
        return self

    @model_validator(mode="after")
    def _golden_is_affordable(self) -> Self:
        samples = self.golden.seconds * self.front_end.sample_rate
        if (work := samples * max(SINES, self.front_end.work_a_sample)) > MOST_WORK:
            raise ValueError(
                f"golden.seconds: for {self.golden.seconds:g} s {work:.1e} numbers would be "
                f"computed; at most {MOST_WORK:.1e} are"
            )
        return self

    @property
    def ref(self) -> ModelRef:
        """Name and version."""
        return ModelRef(self.name, self.version)


def read_store(store: Store) -> dict[str, Manifest]:
    """The newest version of each published model, by name.

    Raises:
        ManifestError: One of the manifests is wrong, or there is none.
        SetupError: The store can't be read.
    """
    return {name: versions[-1] for name, versions in manifests(store).items()}


def manifests(store: Store) -> dict[str, tuple[Manifest, ...]]:
    """All versions of each published model, rising, by name.

    Raises:
        ManifestError: One of the manifests is wrong, or there is none.
        SetupError: The store can't be read.
    """
    found = [read_manifest(store, ref) for ref in store.refs()]
    if not found:
        raise ManifestError(
            f"{store.url}: no model is published here; run `taggram models pull`, or set "
            "TAGGRAM_MODEL_STORE to the store that is meant"
        )
    return {name: tuple(versions) for name, versions in groupby(found, lambda each: each.name)}


def read_manifest(store: Store, ref: ModelRef) -> Manifest:
    """Read and check `<name>/<version>/manifest.toml`.

    Raises:
        ManifestError: It is missing, no TOML, lacks something, or contradicts itself or its folder.
        SetupError: It can't be read.
    """
    path = f"{ref}/{MANIFEST}"
    data = store.read(path)
    if data is None:
        raise ManifestError(f"{store.where(path)}: there is no such file")
    manifest = checked(Manifest, parsed(data, store.where(path)), store.where(path))
    if manifest.ref != ref:
        raise ManifestError(f"{store.where(path)}: says it is {manifest.ref}, but lies elsewhere")
    return manifest
