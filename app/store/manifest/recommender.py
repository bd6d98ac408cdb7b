"""The schema of a recommender's manifest, and functions that read it."""

from datetime import datetime
from itertools import groupby
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from app.domain import ModelRef
from app.store.manifest.manifest import Version, Weights, distinct
from app.store.manifest.reading import check_ref, read_table
from app.store.manifest.tables import Table
from app.store.manifest.training_results import Number
from app.store.storage.store import RECOMMENDER, Store

NAME = "[a-z0-9][a-z0-9-]*"
"""The regular expression of a name."""

MAX_NAMES = 4_096
"""Most subgenres, and most tags."""

MAX_REQUESTS, MAX_TOP = 16, 32
"""Most golden requests, and most of their curators."""

Names = Annotated[tuple[str, ...], Field(max_length=MAX_NAMES), AfterValidator(distinct)]
Indices = Annotated[tuple[Number, ...], Field(min_length=1, max_length=MAX_TOP)]
Scores = Annotated[tuple[float, ...], Field(min_length=1, max_length=MAX_TOP)]


class Vectors(Table):
    """What computed the tag vectors.

    Attributes:
        models: The models, such as `msd-musicnn/1`.
        vocabularies: The vocabularies whose tags the recommender uses, such as `subgenres/1`;
            without any, it uses the raw tags of the only model.
    """

    models: Annotated[tuple[str, ...], Field(min_length=1)]
    vocabularies: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _check_raw(self) -> Self:
        if not self.vocabularies and len(self.models) != 1:
            raise ValueError(
                f"models: {len(self.models)} models without vocabularies; raw tags are those of one"
            )
        return self


class TrainedOn(Table):
    """The data that a recommender was trained on.

    Attributes:
        artists: The number of artists.
        curators: The number of curators.
        tracks: The number of tracks with a tag vector, which the recommender knows.
        interactions: The number of interactions.
        first_at: The time of the first interaction.
        last_at: The time of the last one.
    """

    artists: Number
    curators: Annotated[Number, Field(ge=1)]
    tracks: Number
    interactions: Number
    first_at: datetime
    last_at: datetime


class Target(Table):
    """The weights of the terms of the target; see `app.recommender.target`."""

    likes_all: float = 0.0
    selectiveness: float = 0.0
    subgenres: float = 0.0
    tags: float = 0.0


class Figure(Table):
    """A metric of the model on later interactions, when it was trained on the earlier ones.

    Attributes:
        metric: Its name, such as `auc_sent`.
        slice: The part of the interactions, such as `cold artists`.
        value: Its value.
        low: The lower end of its 95 % interval.
        high: The upper end.
    """

    metric: str
    slice: str
    value: float
    low: float | None = None
    high: float | None = None


class Evaluation(Table):
    """How the model was evaluated before it was trained on all interactions.

    Attributes:
        split_at: The time from which on interactions were evaluated on.
        interactions: Their number.
        figures: The metrics.
        others: `auc_sent` of the other models that were compared, by name.
    """

    split_at: datetime
    interactions: Number
    figures: tuple[Figure, ...]
    others: dict[str, float] = Field(default_factory=dict)


class GoldenRequest(Table):
    """The best curators of a synthetic artist.

    Attributes:
        curators: Their indices, the best one first.
        scores: Their scores.
    """

    curators: Indices
    scores: Scores

    @model_validator(mode="after")
    def _check_lengths(self) -> Self:
        if len(self.curators) != len(self.scores):
            raise ValueError(
                f"scores: {len(self.scores)} for {len(self.curators)} curators; write one for each"
            )
        return self


class GoldenRequests(Table):
    """Seeded artists, and the answers that a loaded recommender must give.

    Attributes:
        seed: The seed of the artists; see `app.recommender.serving.golden`.
        tolerance: How much scores may differ on another machine, as a share of those above 1.
        requests: The answers.
    """

    seed: Annotated[int, Field(ge=0, lt=2**32)]
    tolerance: Annotated[float, Field(gt=0)]
    requests: Annotated[tuple[GoldenRequest, ...], Field(min_length=1, max_length=MAX_REQUESTS)]


class RecommenderSpec(Table):
    """The description of a recommender before it is published.

    Attributes:
        name: The name of the recommender.
        summary: What it is, in a sentence.
        model: The model, such as `linear-tags`; see `app.recommender.models.registry`.
        subgenres: The names that artists and curators choose from.
        tags: The tags of its vectors; none if the model uses no tags.
        vectors: What computed the vectors; None without tags.
        trained_on: The data that it was trained on.
        target: The weights of the terms of the target.
        evaluation: Its metrics on later interactions.
        explores: Whether a bandit re-orders the best curators by chance.
        taggram: The version of Taggram that trained it.
    """

    name: Annotated[str, Field(pattern=f"^{NAME}$")]
    summary: str
    model: str
    subgenres: Names
    tags: Names
    vectors: Vectors | None = None
    trained_on: TrainedOn
    target: Target
    evaluation: Evaluation
    explores: bool = False
    taggram: str

    @model_validator(mode="after")
    def _check_vectors(self) -> Self:
        if bool(self.tags) != (self.vectors is not None):
            raise ValueError("vectors: a recommender with tags has this table, and no other")
        return self

    @property
    def curators(self) -> int:
        """The number of curators."""
        return self.trained_on.curators


class RecommenderManifest(RecommenderSpec):
    """The manifest of one version of a recommender, which never changes once it is published.

    Attributes:
        version: The version, a number.
        weights: The file with its arrays.
        golden: What it must answer once it is loaded.
    """

    version: Version
    weights: Weights
    golden: GoldenRequests

    @model_validator(mode="after")
    def _check_golden(self) -> Self:
        count = self.trained_on.curators
        for request in self.golden.requests:
            if (last := max(request.curators)) >= count:
                raise ValueError(f"golden.requests: there is no curator {last} among {count:,}")
        return self

    @property
    def ref(self) -> ModelRef:
        """The name and the version."""
        return ModelRef(self.name, self.version)


def recommenders(store: Store) -> dict[str, tuple[RecommenderManifest, ...]]:
    """Return all versions of each published recommender, ascending, by name.

    Raises:
        ManifestError: A manifest is not valid.
        SetupError: The store can't be read.
    """
    found = [read_recommender(store, ref) for ref in store.refs((RECOMMENDER,))]
    return {name: tuple(versions) for name, versions in groupby(found, lambda each: each.name)}


def read_recommender(store: Store, ref: ModelRef) -> RecommenderManifest:
    """Read and check `<name>/<version>/recommender.toml`.

    Raises:
        ManifestError: It is missing or not valid, or its name or version is not that of its folder.
        SetupError: It can't be read.
    """
    path = f"{ref}/{RECOMMENDER}"
    manifest = read_table(store, path, RecommenderManifest)
    check_ref(manifest.ref, ref, store.where(path))
    return manifest
