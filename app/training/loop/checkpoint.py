"""Checkpoints of a phase: a killed run is resumed with the same result."""

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

STATE_KEY, ROWS_KEY = "standing", "rows"
_STATE = TypeAdapter(ScheduleState)

Row = Mapping[str, float | int | str]
"""One epoch's figures, as a line of `curves.csv`."""


def save_state(
    path: Path,
    variables: Sequence[keras.Variable],
    schedule_state: ScheduleState,
    rows: Sequence[Row],
) -> None:
    """Write the variables of network and optimizer, in their order, and the phase's state.

    Args:
        path: The file.
        variables: The variables of network and optimizer, of any shape.
        schedule_state: The state of the schedule.
        rows: The figures of all epochs so far.

    Raises:
        SetupError: The file can't be written.
    """
    arrays = {f"{number:05}": np.asarray(each.numpy()) for number, each in enumerate(variables)}
    about = {**asdict(schedule_state), "best_loss": _text(schedule_state.best_loss)}
    metadata = {STATE_KEY: json.dumps(about), ROWS_KEY: json.dumps(list(rows))}
    write_atomically(path, safetensors.numpy.save(arrays, metadata))


def read_schedule_state(path: Path) -> tuple[ScheduleState, list[Row]] | None:
    """Return the state of a phase and the figures of its epochs; None if it has not begun.

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
        raise SetupError(f"{path}: can't be read: {error}; start a new run") from error
    try:
        return _STATE.validate_json(metadata[STATE_KEY]), json.loads(metadata[ROWS_KEY])
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise SetupError(f"{path}: damaged; start a new run") from error


def restore(path: Path, variables: Iterable[keras.Variable]) -> None:
    """Restore variables, in the order and with the shapes in which they were saved.

    Raises:
        SetupError: The file has the variables of another network.
    """
    arrays = safetensors.numpy.load_file(path)
    for number, variable in enumerate(variables):
        array = arrays.get(f"{number:05}")
        if array is None or array.shape != tuple(variable.shape):
            raise SetupError(
                f"{path}: it has no {variable.path} of the shape {tuple(variable.shape)}: the code "
                "of the network has changed since this run began; start a new run"
            )
        variable.assign(array)


def save_weights(path: Path, weights: Weights) -> None:
    """Write weights by path.

    Args:
        path: The file.
        weights: Arrays of any shape, by path.

    Raises:
        SetupError: The file can't be written.
    """
    contiguous = {name: np.ascontiguousarray(array) for name, array in weights.items()}
    write_atomically(path, safetensors.numpy.save(contiguous))


def load_weights(path: Path) -> Weights:
    """Return the weights of a file, by path; each array has the shape of its variable.

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
