"""Where a phase stands, on disk: after a kill it goes on as if nothing had been."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import keras
import numpy as np
import safetensors.numpy
from pydantic import TypeAdapter
from safetensors import SafetensorError

from app.errors import SetupError
from app.files import write_atomically
from app.paths import check_is_file
from app.training.loop.networks import Weights
from app.training.recipe.schedule import ScheduleState

STANDING, ROWS = "standing", "rows"

_STANDING = TypeAdapter(ScheduleState)

Row = Mapping[str, float | int | str]
"""One epoch's figures, as a line of `curves.csv`."""


def save_state(
    path: Path,
    variables: Sequence[keras.Variable],
    schedule_state: ScheduleState,
    rows: Sequence[Row],
) -> None:
    """Keep variables of network and optimizer, in their order, with where the phase stands."""
    arrays = {f"{number:05}": np.asarray(each.numpy()) for number, each in enumerate(variables)}
    about = {**asdict(schedule_state), "best_loss": _text(schedule_state.best_loss)}
    metadata = {STANDING: json.dumps(about), ROWS: json.dumps(list(rows))}
    write_atomically(path, safetensors.numpy.save(arrays, metadata))


def read_schedule_state(path: Path) -> tuple[ScheduleState, list[Row]] | None:
    """Where a phase stood; none where it did not begin.

    Raises:
        SetupError: The file is damaged.
    """
    if not path.exists():
        return None
    try:
        check_is_file(path)
        with safetensors.safe_open(path, "numpy") as file:
            metadata = file.metadata()
    except (OSError, SafetensorError) as error:
        raise SetupError(f"{path}: it can't be read: {error}; begin a new run") from error
    try:
        return _STANDING.validate_json(metadata[STANDING]), json.loads(metadata[ROWS])
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise SetupError(f"{path}: it is damaged; begin a new run") from error


def restore(path: Path, variables: Iterable[keras.Variable]) -> None:
    """Put the variables back, in their order.

    Raises:
        SetupError: They are those of another network.
    """
    arrays = safetensors.numpy.load_file(path)
    for number, variable in enumerate(variables):
        array = arrays.get(f"{number:05}")
        if array is None or array.shape != tuple(variable.shape):
            raise SetupError(
                f"{path}: it has no {variable.path} of the shape {tuple(variable.shape)}, as the "
                "code of the network has changed since this run began; begin a new run"
            )
        variable.assign(array)


def save_weights(path: Path, weights: Weights) -> None:
    """Keep weights by path."""
    contiguous = {name: np.ascontiguousarray(array) for name, array in weights.items()}
    write_atomically(path, safetensors.numpy.save(contiguous))


def load_weights(path: Path) -> Weights:
    """Read weights by path.

    Raises:
        SetupError: They are missing or damaged.
    """
    try:
        check_is_file(path)
        weights: Weights = safetensors.numpy.load_file(path)
    except (OSError, SafetensorError) as error:
        raise SetupError(f"{path}: the weights can't be read: {error}") from error
    return weights


def _text(loss: float) -> str | float:
    return "inf" if math.isinf(loss) else loss
