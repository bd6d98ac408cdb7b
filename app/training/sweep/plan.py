"""The file of a sweep, and the recipes that it compares.

search = "halving"
[choices]
window_s = [1.5, 3.0]
"arguments.conv_dropout" = [0.0, 0.1]
[front_ends.mel-96]
sample_rate = 16000
...
"""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from app.errors import ManifestError, SetupError
from app.front_ends import FrontEnd
from app.paths import read_file, reason
from app.store.manifest.tables import Table, parse_toml, validate
from app.store.storage.store import LARGEST_TEXT
from app.training.recipe.schema import Count, Recipe

MAX_TRIALS = 1_000

FRONT_END = "front_end"

Name = Annotated[str, Field(pattern=r"^[a-zA-Z0-9][a-zA-Z0-9 ._-]*$", max_length=40)]


class Sweep(Table):
    """A search over all combinations of front ends and choices.

    Attributes:
        search: `grid` trains each combination once. `halving` (successive halving, Jamieson and
            Talwalkar 2016, arXiv:1502.07943) trains all on a small share of the tracks, then the
            best of them on a larger one, until one is left or all tracks are used.
        keep: For `halving`: one in `keep` combinations is trained again, on `keep` times the
            tracks.
        epochs: The most epochs of a stage; the recipe's by default.
        metric: Combinations are ranked by this figure: of whole songs of the validation part, the
            mean over tags.
        choices: By the key of the recipe's phase, with points between the keys of nested tables,
            the values to compare. A key within `stages` changes all stages.
        front_ends: Front ends to compare, as in manifests, by names of your own.
    """

    search: Literal["grid", "halving"] = "grid"
    keep: Annotated[int, Field(ge=2, le=100)] = 3
    epochs: Count | None = None
    metric: Literal["roc_auc", "pr_auc"] = "roc_auc"
    choices: dict[str, Annotated[tuple[object, ...], Field(min_length=1)]] = Field(
        default_factory=dict
    )
    front_ends: dict[Name, FrontEnd] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _check_number(self) -> Self:
        lengths = [len(values) for values in self.choices.values()]
        count = math.prod(lengths) * max(1, len(self.front_ends))
        if count > MAX_TRIALS:
            raise ValueError(f"there are {count:,} combinations; expected at most {MAX_TRIALS:,}")
        if FRONT_END in self.choices:
            raise ValueError("choices.front_end: write front ends as tables [front_ends.NAME]")
        return self


@dataclass(frozen=True)
class Candidate:
    """A combination.

    Attributes:
        number: From 1, in the order of the file.
        settings: The chosen values as text, by key.
        recipe: The recipe with these values.
    """

    number: int
    settings: Mapping[str, str]
    recipe: Recipe

    @property
    def title(self) -> str:
        """Return the settings in a line."""
        return ", ".join(f"{key} {value}" for key, value in self.settings.items()) or "as is"


def read_sweep(path: Path) -> Sweep:
    """Read the file of a sweep.

    Raises:
        SetupError: It can't be read, or is not valid.
    """
    try:
        data = read_file(path, LARGEST_TEXT)
    except OSError as error:
        raise SetupError(f"{path}: the sweep can't be read: {reason(error)}") from error
    try:
        return validate(Sweep, parse_toml(data, str(path)), str(path))
    except ManifestError as error:
        raise SetupError(str(error)) from error


def combine(sweep: Sweep, recipe: Recipe, where: str) -> list[Candidate]:
    """Return all combinations.

    Args:
        sweep: The front ends and choices.
        recipe: The recipe to vary, of one phase.
        where: The sweep's file, as messages name it.

    Raises:
        SetupError: The recipe has several phases, or a choice is not valid.
    """
    if len(recipe.phases) > 1:
        raise SetupError(
            f"{where}: the recipe {recipe.name!r} has several phases; a sweep needs one phase"
        )
    return [
        Candidate(number, {key: label for key, label, _ in chosen}, _varied(recipe, chosen, where))
        for number, chosen in enumerate(_combinations(sweep), 1)
    ]


def shorten(recipe: Recipe, epochs: int | None) -> Recipe:
    """Return a recipe with at most this number of epochs in each stage."""
    if epochs is None:
        return recipe
    values = recipe.model_dump()
    for phase in values["phases"]:
        for stage in phase["stages"]:
            stage["epochs"] = min(stage["epochs"], epochs)
    return Recipe.model_validate(values)


def _combinations(sweep: Sweep) -> Iterator[tuple[tuple[str, str, object], ...]]:
    """Yield the key, label and value of each choice."""
    columns: list[list[tuple[str, str, object]]] = [
        [(FRONT_END, name, front) for name, front in sweep.front_ends.items()]
    ]
    columns += [
        [(key, value if isinstance(value, str) else json.dumps(value), value) for value in values]
        for key, values in sweep.choices.items()
    ]
    yield from product(*filter(None, columns))


def _varied(recipe: Recipe, chosen: tuple[tuple[str, str, object], ...], where: str) -> Recipe:
    (phase,) = recipe.model_dump()["phases"]
    for key, _, value in chosen:
        _set(phase, key.split("."), value)
    try:
        return validate(Recipe, {**recipe.model_dump(), "phases": (phase,)}, where)
    except ManifestError as error:
        raise SetupError(str(error).replace("phases.0.", "choices: ", 1)) from error


def _set(values: dict[str, object], keys: list[str], value: object) -> None:
    """Set a value in nested tables; in a list of tables, in each of them."""
    first, *rest = keys
    if not rest:
        values[first] = value
        return
    inner = values.get(first)
    if isinstance(inner, tuple | list):
        for table in inner:
            _set(table, rest, value)
    else:
        table = dict(inner) if isinstance(inner, Mapping) else {}
        _set(table, rest, value)
        values[first] = table
