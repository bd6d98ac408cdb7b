"""Converts PyTorch state dicts to the weights of our networks.

PyTorch stores the same numbers in another layout: kernels have reversed axes, the gates of GRUs
have another order, and names are those of modules. The `TORCH_LAYERS` of each architecture map
modules to its layers.
"""

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from app.errors import WeightsError
from app.models.folding import Array
from app.paths import read_file
from app.store.importers.torch_file import read_state_dict, shorten_list
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
"""PyTorch's names of arrays by ours."""
_GRU_PARTS = {
    "gru_cell/kernel": ("weight_ih",),
    "gru_cell/recurrent_kernel": ("weight_hh",),
    "gru_cell/bias": ("bias_ih", "bias_hh"),
}
"""The same for a GRU, whose two biases are one array in Keras."""
_TAGS = "tags/"
_NO_WEIGHTS = ("spec.", "to_db.", "amplitude_to_db.", "hstft.", "back_end.embedding.")
"""Prefixes of front ends and sinusoids: their windows, filters and tables are computed."""
_COUNTER = ".num_batches_tracked"
_WRAPPERS = {"module", "_orig_mod"}
"""Parts that `DataParallel` and `torch.compile` add to names."""
_KEYS_SHOWN = 3


def read_checkpoint(path: Path) -> dict[str, np.ndarray]:
    """Return the arrays of a checkpoint by PyTorch's names, without running code in it.

    Their shapes are those of PyTorch.

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


def convert(
    weights: Mapping[str, np.ndarray],
    layers: Mapping[str, str],
    expected: Mapping[str, Shape],
    name: str,
) -> dict[str, Array]:
    """Convert the weights of a PyTorch module to those of our network, by path.

    Args:
        weights: A state dict, whose keys may have prefixes of wrappers.
        layers: The architecture's `TORCH_LAYERS`: our layer by PyTorch's module. A GRU of several
            layers is several layers in Keras: `<module>.l0`, `<module>.l1` ... A parameter outside
            of modules is mapped from its key to the path of our variable.
        expected: The shape of each variable, by its path.
        name: The file or the model, as messages name it.

    Raises:
        WeightsError: They are those of another architecture or of other tags, or not finite.
    """
    sources = dict(_sources(layers, expected))
    weights = _unwrapped(weights, {key for source in sources.values() for key in source.keys})
    _check_keys(weights, sources, expected, name)
    arrays = {}
    for path, source in sources.items():
        for key in source.keys:
            _check_shape(path, key, weights[key].shape, source.shape, name)
        arrays[path] = source.array([_numbers(weights[key], key, name) for key in source.keys])
    return arrays


@dataclass(frozen=True)
class _Source:
    """The source of one of our arrays.

    Attributes:
        keys: The keys of its PyTorch arrays.
        shape: The shape of each of them.
        gated: Whether they belong to a GRU.
        reversed: Whether their axes are reversed.
    """

    keys: tuple[str, ...]
    shape: Shape
    gated: bool = False
    reversed: bool = False

    def array(self, arrays: list[Array]) -> Array:
        """Convert PyTorch's arrays to ours."""
        if self.gated:
            arrays = [_reorder_gates(array) for array in arrays]
        if len(arrays) > 1:
            return np.stack(arrays)
        return np.ascontiguousarray(arrays[0].T if self.reversed else arrays[0])


def _sources(
    layers: Mapping[str, str], expected: Mapping[str, Shape]
) -> Iterator[tuple[str, _Source]]:
    for theirs, ours in layers.items():
        if ours in expected:
            yield ours, _Source((theirs,), expected[ours])
        for part, their_part in _PARTS.items():
            path = f"{ours}/{part}"
            if path in expected:
                transposed = part == "kernel"
                shape = expected[path][::-1] if transposed else expected[path]
                yield path, _Source((f"{theirs}.{their_part}",), shape, reversed=transposed)
        module, _, number = theirs.rpartition(".")
        for part, their_parts in _GRU_PARTS.items():
            path = f"{ours}/{part}"
            if path in expected:
                keys = tuple(f"{module}.{each}_{number}" for each in their_parts)
                shape = expected[path][1:] if len(keys) > 1 else expected[path][::-1]
                yield path, _Source(keys, shape, gated=True, reversed=True)


def _reorder_gates(array: Array) -> Array:
    """Reorder PyTorch's gates (reset, update, new) as in Keras (update, reset, new)."""
    reset, update, new = np.split(array, 3)
    return np.concatenate([update, reset, new])


def _check_keys(
    weights: Mapping[str, np.ndarray],
    sources: Mapping[str, _Source],
    expected: Mapping[str, Shape],
    name: str,
) -> None:
    known = {key: None for source in sources.values() for key in source.keys}  # keeps their order
    wrong_keys = {
        "it lacks": [key for key in known if key not in weights],
        "it also has": [
            key
            for key in weights
            if key not in known and not key.startswith(_NO_WEIGHTS) and not key.endswith(_COUNTER)
        ],
        "it has nothing for the variables": [path for path in expected if path not in sources],
    }
    reasons = [
        f"{reason} {shorten_list(keys, _KEYS_SHOWN)}" for reason, keys in wrong_keys.items() if keys
    ]
    if reasons:
        raise WeightsError(
            f"{name}: the checkpoint belongs to another architecture: {'; '.join(reasons)}. Pass "
            "the --architecture and --arguments of its training, or a state dict with the keys of "
            "the released network"
        )


def _check_shape(path: str, key: str, actual: Shape, expected: Shape, name: str) -> None:
    if actual == expected:
        return
    if path.startswith(_TAGS) and actual[1:] == expected[1:] and actual:
        raise WeightsError(
            f"{name}: the checkpoint has {actual[0]} tags; the tag list has {expected[0]}"
        )
    raise WeightsError(f"{name}: {key} has the shape {actual}; expected {expected}")


def _numbers(array: np.ndarray, key: str, name: str) -> Array:
    if array.dtype.kind != "f":
        raise WeightsError(f"{name}: {key} is {array.dtype}; expected floating-point numbers")
    with np.errstate(
        over="ignore"
    ):  # numbers too large for float32 become infinite and are refused
        numbers = array.astype(np.float32)
    if not np.isfinite(numbers).all():
        raise WeightsError(f"{name}: {key} holds numbers that are not finite")
    return numbers


def _unwrapped(weights: Mapping[str, np.ndarray], known: Set[str]) -> Mapping[str, np.ndarray]:
    """Return the weights without the prefixes of wrappers in their keys.

    They are unchanged if that makes no key known, or two keys equal.
    """
    names = {
        key: ".".join(part for part in key.split(".") if part not in _WRAPPERS) for key in weights
    }
    while known.isdisjoint(names.values()):
        prefixes = {name.partition(".")[0] for name in names.values()}
        shorter = {key: name.partition(".")[2] for key, name in names.items()}
        if len(prefixes) > 1 or not all(shorter.values()):
            return weights
        names = shorter
    if len(set(names.values())) < len(names):
        return weights
    return {names[key]: array for key, array in weights.items()}
