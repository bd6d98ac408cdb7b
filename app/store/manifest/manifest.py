"""The schema of a model's manifest, and functions that read it."""

from collections import Counter
from itertools import groupby
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from app.domain import ModelRef
from app.errors import ManifestError
from app.front_ends import FrontEnd, WindowSpec
from app.samples import ShortTrack
from app.store.manifest.printable_words import checked_word
from app.store.manifest.reading import check_ref, read_table
from app.store.manifest.source import ImportedNetwork, ModelSource
from app.store.manifest.tables import Table
from app.store.manifest.training_results import (
    BaseRates,
    Calibration,
    Evaluation,
    Sha256,
    Thresholds,
    TrainedVocabulary,
    Unit,
)
from app.store.manifest.typical import Confidence
from app.store.storage.store import MANIFEST, Store

Count = Annotated[int, Field(gt=0, lt=2**20)]
Version = Annotated[str, Field(pattern=r"^[1-9][0-9]*$")]


MAX_TAGS = 4_096

IMPORTED = "imported"
"""The architecture of networks of other projects."""

MAX_GOLDEN_S = 600
"""Longest golden input, in seconds."""

MAX_WORK = 2**24
"""Most numbers that are computed for a golden input."""

NUMBERS_A_SAMPLE = 4
"""Numbers that a sample of it counts as, since it is a sum of sines."""


def distinct(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return names unchanged if all differ.

    Raises:
        ValueError: One is there twice.
    """
    duplicates = sorted(name for name, count in Counter(names).items() if count > 1)
    if duplicates:
        raise ValueError(f"named twice: {', '.join(duplicates)}")
    return names


class Architecture(Table):
    """The architecture in `app.models` and its arguments."""

    name: str
    arguments: dict[str, object] = Field(default_factory=dict)


class Window(Table):
    """The length and the hop of windows, in frames of the front end.

    `short_track`: how a track that is shorter than a window fills one, as in the model's training.
    """

    frames: Count
    hop_frames: Count
    short_track: ShortTrack = ShortTrack.REPEAT


class Tags(Table):
    """The raw tags in the order of the network's outputs, and the name of their family.

    Vocabularies refer to a family, so all models trained on the same tags share an entry.
    """

    family: Annotated[str, Field(pattern=r"^[a-z0-9-]+$")]
    names: Annotated[tuple[str, ...], Field(max_length=MAX_TAGS), AfterValidator(distinct)]


class Weights(Table):
    """The file of weights in the manifest's folder, and its SHA-256."""

    file: Annotated[str, Field(pattern=r"^[a-z0-9.-]+\.(safetensors|zip)$")]
    sha256: Sha256


class Folding(Table):
    """Filters that the service replaces by their mean outputs, as they hardly affect scores.

    Attributes:
        source: How their effect was measured.
        filters: For each convolution, the numbers of filters and their mean outputs.
    """

    source: Annotated[str, Field(min_length=1)]
    filters: dict[str, tuple[tuple[Annotated[int, Field(ge=0, lt=2**20)], float], ...]]


class Golden(Table):
    """A seeded input and the outputs of the model; see `app.store.registry.golden`.

    Attributes:
        seed: The seed of the input.
        seconds: The length of the input; a head has embeddings as its input instead.
        tolerance: How much scores in float32 may differ on another machine.
        mean_scores: The mean score of each tag.
        mean_embedding: The mean embedding, if the model has one.
    """

    seed: Annotated[int, Field(ge=0, lt=2**32)]
    seconds: Annotated[float, Field(gt=0, le=MAX_GOLDEN_S)]
    tolerance: Annotated[float, Field(gt=0)]
    mean_scores: tuple[Unit, ...]
    mean_embedding: tuple[float, ...] = ()


class ModelSpec(Table):
    """The description of a model before it is published; see `app.store.registry.publishing`."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    version: Version | None = None
    summary: str
    architecture: Architecture
    network: ImportedNetwork | None = None
    front_end: FrontEnd
    window: Window
    tags: Tags
    source: ModelSource
    evaluation: Evaluation | None = None
    base_rates: BaseRates | None = None
    confidence: Confidence | None = None
    vocabulary: TrainedVocabulary | None = None
    thresholds: Thresholds | None = None
    calibration: Calibration | None = None
    folding: Folding | None = None

    @model_validator(mode="after")
    def _check_tags(self) -> Self:
        if self.vocabulary:
            for tag in self.tags.names:
                checked_word(tag)
        named = {
            "vocabulary.unheard": self.vocabulary.unheard if self.vocabulary else (),
            "thresholds.scores": self.thresholds.scores if self.thresholds else (),
            "evaluation.tags": self.evaluation.tags if self.evaluation else (),
        }
        for place, tags in named.items():
            if unknown := sorted(set(tags) - set(self.tags.names)):
                raise ValueError(f"{place}: the model has no tag {', '.join(unknown)}")
        return self

    @model_validator(mode="after")
    def _check_confidence(self) -> Self:
        for place, rows in self.confidence.places() if self.confidence else ():
            for row in rows:
                if len(row) != len(self.tags.names):
                    raise ValueError(
                        f"confidence.{place}: {len(row)} numbers for "
                        f"{len(self.tags.names)} tags; write one for each tag"
                    )
        return self

    @model_validator(mode="after")
    def _check_base_rates(self) -> Self:
        if self.base_rates and len(self.base_rates.rates) != len(self.tags.names):
            raise ValueError(
                f"base_rates.rates: {len(self.base_rates.rates)} rates for "
                f"{len(self.tags.names)} tags; write one for each tag"
            )
        return self

    @model_validator(mode="after")
    def _check_network(self) -> Self:
        if (self.architecture.name == IMPORTED) != (self.network is not None):
            raise ValueError(
                f"network: a model of the architecture {IMPORTED!r} has this table, and no other"
            )
        if not self.tags.names and not (self.network and self.network.embedding):
            raise ValueError("tags.names: a model without tags needs an embedding")
        return self

    @model_validator(mode="after")
    def _check_window(self) -> Self:
        if self.window.hop_frames > self.window.frames:
            raise ValueError(
                f"window.hop_frames: {self.window.hop_frames} is larger than window.frames, "
                f"{self.window.frames}; expected at most that"
            )
        _ = self.window_spec  # raises if a window is too large
        return self

    @property
    def title(self) -> str:
        """The model, as messages name it."""
        return f"{self.name}/{self.version}" if self.version else self.name

    @property
    def n_outputs(self) -> int:
        """The number of tags, and of the numbers of the embedding, if the model has one."""
        return len(self.tags.names) + (self.network.embedding if self.network else 0)

    @property
    def backbone(self) -> ModelRef | None:
        """The model with the embedding that is the input, if this is a head."""
        if self.network is None or self.network.backbone is None:
            return None
        return ModelRef(*self.network.backbone.split("/"))

    @property
    def window_spec(self) -> WindowSpec:
        """The front end and the windows."""
        window = self.window
        return WindowSpec(self.front_end, window.frames, window.hop_frames, window.short_track)


class Manifest(ModelSpec):
    """The manifest of one version of a model, which never changes once it is published."""

    version: Version
    weights: Weights
    golden: Golden

    @model_validator(mode="after")
    def _check_golden_scores(self) -> Self:
        if len(self.golden.mean_scores) != len(self.tags.names):
            raise ValueError(
                f"golden.mean_scores: {len(self.golden.mean_scores)} scores for "
                f"{len(self.tags.names)} tags; write one for each tag"
            )
        embedding = self.network.embedding if self.network else 0
        if len(self.golden.mean_embedding) != embedding:
            raise ValueError(
                f"golden.mean_embedding: {len(self.golden.mean_embedding)} numbers for an "
                f"embedding of {embedding}; write one for each"
            )
        return self

    @model_validator(mode="after")
    def _check_golden_work(self) -> Self:
        samples = self.golden.seconds * self.front_end.sample_rate * self.front_end.channels
        if (work := samples * max(NUMBERS_A_SAMPLE, self.front_end.work_a_sample)) > MAX_WORK:
            raise ValueError(
                f"golden.seconds: {self.golden.seconds:g} s need {work:.1e} computed numbers; "
                f"expected at most {MAX_WORK:.1e}"
            )
        return self

    @property
    def ref(self) -> ModelRef:
        """The name and the version."""
        return ModelRef(self.name, self.version)


def read_store(store: Store) -> dict[str, Manifest]:
    """Return the newest version of each published model, by name.

    Raises:
        ManifestError: A manifest is not valid, or there is none.
        SetupError: The store can't be read.
    """
    return {name: versions[-1] for name, versions in manifests(store).items()}


def manifests(store: Store) -> dict[str, tuple[Manifest, ...]]:
    """Return all versions of each published model, ascending, by name.

    Raises:
        ManifestError: A manifest is not valid, or there is none.
        SetupError: The store can't be read.
    """
    found = [read_manifest(store, ref) for ref in store.refs()]
    if not found:
        raise ManifestError(
            f"{store.url}: no model is published here; run `taggram models pull`, or set "
            "TAGGRAM_MODEL_STORE to another store"
        )
    return {name: tuple(versions) for name, versions in groupby(found, lambda each: each.name)}


def read_manifest(store: Store, ref: ModelRef) -> Manifest:
    """Read and check `<name>/<version>/manifest.toml`.

    Raises:
        ManifestError: It is missing or not valid, or its name or version is not that of its folder.
        SetupError: It can't be read.
    """
    path = f"{ref}/{MANIFEST}"
    manifest = read_table(store, path, Manifest)
    check_ref(manifest.ref, ref, store.where(path))
    return manifest
