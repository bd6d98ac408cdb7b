"""The schema of recipes: networks, their data, phases and stages."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from app.datasets.audio.cropping import Crops
from app.errors import ManifestError, SetupError
from app.front_ends import FrontEnd
from app.models import architectures
from app.paths import shortened
from app.store.manifest.tables import Table, validate
from app.training.data.augmentation import Augmentation
from app.training.recipe.release import Release
from app.yaml_files import read_values

BUILT_IN = Path(__file__).parent / "built_in"

Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(gt=0, lt=2**20)]

MAX_WINDOW_S = 600
"""The longest window, in seconds."""


def _unless_false(value: object) -> object:
    return None if value is False else value  # TOML, the language of sweeps, has no null


class Plateau(Table):
    """Multiplies the learning rate by `factor` after `patience` epochs without a better loss."""

    patience: Count
    factor: Annotated[float, Field(gt=0, lt=1)] = 0.1


class Stage(Table):
    """Epochs with one optimizer; each stage begins with the best weights so far.

    `sgd` has a Nesterov momentum of .9. `decay` divides the learning rate by 1 + decay * steps.
    `early_stop`: the number of epochs without a better validation loss after which the stage ends.
    `release`: which layers are trained, by their depth.
    """

    optimizer: Literal["adam", "sgd"]
    learning_rate: Positive
    epochs: Count
    decay: float = Field(0.0, ge=0)
    plateau: Plateau | None = None
    early_stop: Count | None = None
    release: Release = Release()

    @model_validator(mode="after")
    def _one_way_down(self) -> Self:
        if self.decay and self.plateau:
            raise ValueError("decay and plateau can't both lower the learning rate; choose one")
        return self


class Loss(Table):
    """Binary cross-entropy, with options for rare tags.

    `focal_gamma`: the focal loss's weight of easy examples (Lin et al. 2017, arXiv:1708.02002); 0
    is plain cross-entropy. `class_weights`: a tag's positives have the same total weight as its
    negatives, limited by `max_weight`.
    """

    focal_gamma: float = Field(0.0, ge=0)
    class_weights: bool = False
    max_weight: float = Field(20.0, ge=1)


class Skew(Table):
    """Options against frequent tags that hide rare ones (the thesis, 7.1.3).

    A tag is a minority tag if its imbalance ratio, the count of the most frequent tag over its own,
    is above the mean of all tags (Charte et al. 2015, doi:10.1016/j.knosys.2015.07.019), otherwise
    a majority tag. `majority_only`: the share of the tracks whose only tag is a majority tag that
    an epoch uses, others in each epoch. `mixup`: each window is mixed with another one, and so are
    their tags, with weights drawn from the beta distribution with this parameter (Zhang et al.
    2018, arXiv:1710.09412); 0 is off. `interpolate`: after each window with a minority tag comes a
    synthetic example with that tag, between the embeddings of two tracks, with weights drawn in the
    same way (as SMOTE); 0 is off.
    """

    majority_only: float = Field(1.0, gt=0, le=1)
    mixup: float = Field(0.0, ge=0, le=100)
    interpolate: float = Field(0.0, ge=0, le=100)

    @model_validator(mode="after")
    def _one_way_to_mix(self) -> Self:
        if self.mixup and self.interpolate:
            raise ValueError("mixup and interpolate can't both mix examples; choose one")
        return self


class WeightTransfer(Table):
    """Weights of an earlier phase's network: the prefix `layers` of paths becomes `into`."""

    phase: str
    layers: str = ""
    into: str = ""


class Phase(Table):
    """The training of one network.

    `learns`: `tags`, or `contrast`: which windows are of the same track, by the architecture's
    embedding with a projection head of `projection` dimensions and `temperature`. `teacher`: the
    phase that scores unlabelled windows, half of each batch, as their targets. `front_end`, as in
    a manifest, and `window_s`, the length of a window in seconds: the architecture's published
    ones by default; windows of training overlap as `crops` says. `takes`: initial weights.
    `frozen`: prefixes of weights that are not trained. Without stages, the network is only
    assembled.
    """

    name: Annotated[str, Field(pattern=r"^[a-z0-9-]+$")]
    architecture: str
    arguments: dict[str, object] = Field(default_factory=dict)
    front_end: FrontEnd | None = None
    window_s: Annotated[float, Field(gt=0, le=MAX_WINDOW_S)] | None = None
    learns: Literal["tags", "contrast"] = "tags"
    temperature: Positive = 0.5
    projection: Annotated[int, Field(gt=0, lt=2**14)] = 64
    teacher: str | None = None
    takes: tuple[WeightTransfer, ...] = ()
    frozen: tuple[str, ...] = ()
    batch_size: Annotated[int, Field(gt=0, lt=2**14)] = 16
    l2: float = Field(0.0, ge=0)
    crops: Crops = Crops()
    loss: Loss = Loss()
    skew: Skew = Skew()
    augmentation: Annotated[Augmentation | None, BeforeValidator(_unless_false)] = None
    stages: tuple[Stage, ...] = ()

    @model_validator(mode="after")
    def _known(self) -> Self:
        if self.architecture not in architectures():
            known = ", ".join(architectures())
            raise ValueError(
                f"the architecture {self.architecture!r} does not exist; choose one of {known}"
            )
        if self.learns == "contrast" and self.augmentation is None:
            raise ValueError("a phase that learns by contrast needs an augmentation")
        if self.skew != Skew() and (self.learns == "contrast" or self.teacher):
            raise ValueError(
                "skew: a phase that learns by contrast or from a teacher can't have it"
            )
        return self


class Recipe(Table):
    """How a model is trained; the last phase's network is the model.

    `precision`: the Keras dtype policy of the layers; weights are always float32.
    """

    name: str
    summary: str
    source: str
    precision: Literal["float32", "mixed_float16", "mixed_bfloat16"] = "float32"
    phases: Annotated[tuple[Phase, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _phases_meet(self) -> Self:
        earlier: list[str] = []
        for phase in self.phases:
            for wanted in _wanted(phase):
                if wanted not in earlier:
                    raise ValueError(
                        f"phase {phase.name!r} refers to {wanted!r}, but no earlier phase has that "
                        "name"
                    )
            if phase.name in earlier:
                raise ValueError(f"two phases are named {phase.name!r}")
            earlier.append(phase.name)
        if self.phases[-1].learns != "tags":
            raise ValueError("the last phase must learn tags")
        return self


def read_recipe(name_or_file: str) -> Recipe:
    """Return a built-in recipe by its name, or the recipe of a YAML file.

    Raises:
        SetupError: It does not exist, or is invalid.
    """
    path = BUILT_IN / f"{name_or_file}.yaml"
    if not path.is_file():
        path = Path(name_or_file)
    if not path.exists():
        known = ", ".join(recipe_names())
        raise SetupError(
            f"{shortened(name_or_file)}: not a built-in recipe or a file; built-in are {known}"
        )
    values = read_values(path)
    if not isinstance(values, dict):
        raise SetupError(f"{path}: not a mapping; expected the keys name, summary, source, phases")
    try:
        return validate(Recipe, values, str(path))
    except ManifestError as error:
        raise SetupError(str(error)) from error


def recipe_names() -> list[str]:
    """Return the names of the built-in recipes."""
    return sorted(path.stem for path in BUILT_IN.glob("*.yaml"))


def _wanted(phase: Phase) -> Iterator[str]:
    if phase.teacher:
        yield phase.teacher
    yield from (taken.phase for taken in phase.takes)
