"""Brings weights that were released for PyTorch: reads a state dict, lays it out as ours.

Both keep the same numbers in another order: their axes are the reverse of ours, their recurrent
gates stand in another order, and their names are those of modules. Each architecture says with its
`TORCH_LAYERS` which module is which of its layers.
"""

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from app.errors import WeightsError
from app.models.folding import Array
from app.paths import read_file
from app.store.importers.torch_file import read_state_dict, some_of
from app.store.storage.store import LARGEST_WEIGHTS

Shape = tuple[int, ...]

_PARTS = {
    "kernel": "weight",
    "bias": "bias",
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}
"""Our name of a layer's array, and PyTorch's."""
_GRU_PARTS = {
    "gru_cell/kernel": ("weight_ih",),
    "gru_cell/recurrent_kernel": ("weight_hh",),
    "gru_cell/bias": ("bias_ih", "bias_hh"),
}
"""The same for a GRU, whose two biases are one array of ours."""
_TAGS = "tags/"
_NO_WEIGHTS = ("spec.", "to_db.", "amplitude_to_db.", "hstft.")
"""Front ends: windows and filters that are computed, not learnt. What is learnt is mapped."""
_COUNTER = ".num_batches_tracked"
_WRAPPERS = {"module", "_orig_mod"}
"""What `DataParallel` and `torch.compile` put into the names of what they wrap."""
_KEYS_SHOWN = 3


def read_checkpoint(path: Path) -> dict[str, np.ndarray]:
    """The arrays of a checkpoint, by PyTorch's names. No code in it is run.

    Raises:
        WeightsError: The file can't be read, or is not a flat state dict.
    """
    try:
        data = read_file(path, LARGEST_WEIGHTS)
    except OSError as error:
        raise WeightsError(f"{path}: the checkpoint can't be read: {error.strerror}") from error
    try:
        return read_state_dict(data)
    except WeightsError as error:
        raise WeightsError(f"{path}: {error}") from error


def converted(
    weights: Mapping[str, np.ndarray],
    layers: Mapping[str, str],
    wanted: Mapping[str, Shape],
    name: str,
) -> dict[str, Array]:
    """Weights of a PyTorch module as those of our network, by the paths of its variables.

    Args:
        weights: A state dict; wrappers may have put prefixes before its keys.
        layers: The architecture's `TORCH_LAYERS`: for each module with weights our layer. A GRU of
            several layers is several of ours: `<module>.l0`, `<module>.l1` ... For a parameter that
            is no module's, its key and the path of our variable.
        wanted: The shape of each variable, by its path.
        name: What the messages begin with: the file, or the model.

    Raises:
        WeightsError: They are another architecture's, score other tags, or are no finite numbers.
    """
    sources = dict(_sources(layers, wanted))
    weights = _unwrapped(weights, {key for source in sources.values() for key in source.keys})
    _check_keys(weights, sources, wanted, name)
    arrays = {}
    for path, source in sources.items():
        for key in source.keys:
            _check_shape(path, key, weights[key].shape, source.shape, name)
        arrays[path] = source.array([_numbers(weights[key], key, name) for key in source.keys])
    return arrays


@dataclass(frozen=True)
class _Source:
    """Where one of our arrays comes from.

    Attributes:
        keys: PyTorch's names.
        shape: PyTorch's, of each of them.
        gated: Whether it is a GRU's.
        reversed: Whether its axes are reversed.
    """

    keys: tuple[str, ...]
    shape: Shape
    gated: bool = False
    reversed: bool = False

    def array(self, given: list[Array]) -> Array:
        if self.gated:
            given = [_reordered(array) for array in given]
        if len(given) > 1:
            return np.stack(given)
        return np.ascontiguousarray(given[0].T if self.reversed else given[0])


def _sources(
    layers: Mapping[str, str], wanted: Mapping[str, Shape]
) -> Iterator[tuple[str, _Source]]:
    for theirs, ours in layers.items():
        if ours in wanted:
            yield ours, _Source((theirs,), wanted[ours])
        for part, their_part in _PARTS.items():
            path = f"{ours}/{part}"
            if path in wanted:
                transposed = part == "kernel"
                shape = wanted[path][::-1] if transposed else wanted[path]
                yield path, _Source((f"{theirs}.{their_part}",), shape, reversed=transposed)
        module, _, number = theirs.rpartition(".")
        for part, their_parts in _GRU_PARTS.items():
            path = f"{ours}/{part}"
            if path in wanted:
                keys = tuple(f"{module}.{each}_{number}" for each in their_parts)
                shape = wanted[path][1:] if len(keys) > 1 else wanted[path][::-1]
                yield path, _Source(keys, shape, gated=True, reversed=True)


def _reordered(array: Array) -> Array:
    """PyTorch's gates are reset, update, new; Keras wants update, reset, new."""
    reset, update, new = np.split(array, 3)
    return np.concatenate([update, reset, new])


def _check_keys(
    weights: Mapping[str, np.ndarray],
    sources: Mapping[str, _Source],
    wanted: Mapping[str, Shape],
    name: str,
) -> None:
    known = {key: None for source in sources.values() for key in source.keys}  # keeps their order
    wrong = {
        "it lacks": [key for key in known if key not in weights],
        "it has in excess": [
            key
            for key in weights
            if key not in known and not key.startswith(_NO_WEIGHTS) and not key.endswith(_COUNTER)
        ],
        "it has nothing for our": [path for path in wanted if path not in sources],
    }
    said = [f"{what} {some_of(keys, _KEYS_SHOWN)}" for what, keys in wrong.items() if keys]
    if said:
        raise WeightsError(
            f"{name}: the checkpoint is another architecture's: {'; '.join(said)}. Pass the "
            "--architecture and --arguments that it was trained with, or a state dict whose keys "
            "are those of the network that was released"
        )


def _check_shape(path: str, key: str, got: Shape, wanted: Shape, name: str) -> None:
    if got == wanted:
        return
    if path.startswith(_TAGS) and got[1:] == wanted[1:] and got:
        raise WeightsError(
            f"{name}: the checkpoint scores {got[0]} tags, the tag list has {wanted[0]}"
        )
    raise WeightsError(f"{name}: {key} has the shape {got}, the network wants {wanted}")


def _numbers(array: np.ndarray, key: str, name: str) -> Array:
    if array.dtype.kind != "f":
        raise WeightsError(f"{name}: {key} is {array.dtype}; weights are floating-point numbers")
    with np.errstate(over="ignore"):  # what float32 can't hold becomes infinite and is refused
        numbers = array.astype(np.float32)
    if not np.isfinite(numbers).all():
        raise WeightsError(f"{name}: {key} holds numbers that are not finite")
    return numbers


def _unwrapped(weights: Mapping[str, np.ndarray], known: Set[str]) -> Mapping[str, np.ndarray]:
    """The weights without what wrappers put into their keys: their own names, or one prefix.

    They stay as they are where that makes no key known, or two keys alike.
    """
    names = {
        key: ".".join(part for part in key.split(".") if part not in _WRAPPERS) for key in weights
    }
    while known.isdisjoint(names.values()):
        prefixes = {name.partition(".")[0] for name in names.values()}
        rests = {key: name.partition(".")[2] for key, name in names.items()}
        if len(prefixes) > 1 or not all(rests.values()):
            return weights
        names = rests
    if len(set(names.values())) < len(names):
        return weights
    return {names[key]: array for key, array in weights.items()}
