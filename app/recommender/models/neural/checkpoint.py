"""The state after an epoch, so that a killed training goes on where it was."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import keras
import numpy as np
import numpy.typing as npt
import safetensors
import safetensors.numpy
from safetensors import SafetensorError

from app.errors import SetupError
from app.files import write_atomically

Values = list[npt.NDArray[np.generic]]
"""Those of variables, of any shape, in their order."""

OnEpoch = Callable[[int, float], None]
"""Called after each epoch with its number, from 1, and the loss on what is held out."""


@dataclass
class Progress:
    """How far a training has come.

    Attributes:
        epochs: The number of finished epochs.
        best_epoch: The number of the epoch with the lowest loss, from 1; 0 before the first.
        best_loss: Its loss on the interactions that are held out.
    """

    epochs: int = 0
    best_epoch: int = 0
    best_loss: float = 0.0


def save_state(
    path: Path, progress: Progress, state: Sequence[keras.Variable], best: Values
) -> None:
    """Write the state of a training.

    Args:
        path: The file.
        progress: How far it has come.
        state: The variables of network and optimizer.
        best: The best values of the variables of the network.

    Raises:
        SetupError: The file can't be written.
    """
    arrays = {f"state/{number:03}": np.asarray(each.numpy()) for number, each in enumerate(state)}
    arrays |= {f"best/{number:03}": each for number, each in enumerate(best)}
    metadata = {"progress": json.dumps(asdict(progress))}
    write_atomically(path, safetensors.numpy.save(arrays, metadata))


def restore_state(
    path: Path, state: Sequence[keras.Variable], best: int
) -> tuple[Progress, Values] | None:
    """Restore the variables of network and optimizer.

    Args:
        path: The file.
        state: The variables.
        best: The number of variables of the network.

    Returns:
        How far the training had come, and the best values; None if there is no file.

    Raises:
        SetupError: The file is damaged, or of another network.
    """
    if not path.exists():
        return None
    try:
        with safetensors.safe_open(path, "numpy") as file:
            progress = Progress(**json.loads(file.metadata()["progress"]))
            values = [file.get_tensor(f"state/{number:03}") for number in range(len(state))]
            best_values = [file.get_tensor(f"best/{number:03}") for number in range(best)]
        for variable, value in zip(state, values, strict=True):
            variable.assign(value)
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        raise SetupError(
            f"{path}: it is not a checkpoint of this network ({error}); remove it to start again"
        ) from error
    return progress, best_values
