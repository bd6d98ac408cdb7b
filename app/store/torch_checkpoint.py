"""Brings weights that were released for PyTorch: reads a state dict, lays it out as ours.

Both keep the same numbers in another order: their axes are the reverse of ours, their recurrent
gates stand in another order, and their names are those of modules. Each architecture says with its
`TORCH_LAYERS` which module is which of its layers.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from pickle import UnpicklingError

import numpy as np

from app.errors import SetupError, WeightsError
from app.models.folding import Array

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
_AT_MOST = 5
"""So many keys are named in a message."""


def read_checkpoint(path: Path) -> dict[str, np.ndarray]:
    """The arrays of a checkpoint, by PyTorch's names. No code in it is run.

    Raises:
        SetupError: PyTorch is not installed.
        WeightsError: The file can't be read, or is no flat state dict.
    """
    try:
        import torch  # noqa: PLC0415 - an extra, and it takes a second
    except ImportError:
        raise SetupError(
            f"{path}: reading a PyTorch checkpoint needs PyTorch: `pip install taggram[torch]`"
        ) from None
    try:
        data = path.read_bytes()
    except OSError as error:
        raise WeightsError(f"{path}: the checkpoint can't be read: {error.strerror}") from error
    try:
        content = torch.load(BytesIO(data), map_location="cpu", weights_only=True)
    except UnpicklingError as error:
        raise WeightsError(f"{path}: {_unpickling(str(error))}") from None
    except Exception as error:  # PyTorch raises anything on files of other kinds
        raise WeightsError(f"{path}: this is no PyTorch checkpoint") from error
    if isinstance(content, Mapping) and isinstance(content.get("state_dict"), Mapping):
        content = content["state_dict"]
    return _without_prefix({key: _array(path, key, given) for key, given in _items(path, content)})


def converted(
    weights: Mapping[str, np.ndarray],
    layers: Mapping[str, str],
    wanted: Mapping[str, Shape],
    name: str,
) -> dict[str, Array]:
    """Weights of a PyTorch module as those of our network, by the paths of its variables.

    Args:
        weights: A state dict.
        layers: The architecture's `TORCH_LAYERS`: for each module with weights our layer. A GRU of
            several layers is several of ours: `<module>.l0`, `<module>.l1` ... For a parameter that
            is no module's, its key and the path of our variable.
        wanted: The shape of each variable, by its path.
        name: What the messages begin with: the file, or the model.

    Raises:
        WeightsError: They are another architecture's, score other tags, or are no finite numbers.
    """
    sources = dict(_sources(layers, wanted))
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
        "lacks": [key for key in known if key not in weights],
        "has in excess": [
            key
            for key in weights
            if key not in known and not key.startswith(_NO_WEIGHTS) and not key.endswith(_COUNTER)
        ],
        "has nothing for our": [path for path in wanted if path not in sources],
    }
    said = [f"it {what} {_few(keys)}" for what, keys in wrong.items() if keys]
    if said:
        raise WeightsError(f"{name}: the checkpoint is another architecture's: {'; '.join(said)}")


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


def _few(names: list[str]) -> str:
    """The first ones; a whole network's would fill the screen."""
    more = len(names) - _AT_MOST
    return ", ".join(names[:_AT_MOST]) + (f" and {more} more" if more > 0 else "")


def _unpickling(said: str) -> str:
    """PyTorch says it in many lines, and advises to run the code."""
    if any(word in said for word in ("GLOBAL", "Trying to call", "Can only create")):
        return "the checkpoint holds more than weights, code perhaps; nothing of it was run"
    return "this is no PyTorch checkpoint"


def _items(path: Path, content: object) -> Iterable[tuple[str, object]]:
    if not isinstance(content, Mapping) or not content:
        raise WeightsError(f"{path}: this is no state dict: weights by their names are needed")
    for key in content:
        if not isinstance(key, str) or not key.isprintable():
            raise WeightsError(f"{path}: this is no state dict: {key!r:.80} is no module's name")
    return content.items()


def _array(path: Path, key: str, given: object) -> np.ndarray:
    import torch  # noqa: PLC0415 - see `read_checkpoint`

    if not isinstance(given, torch.Tensor):
        raise WeightsError(f"{path}: this is no flat state dict: {key} is no tensor")
    tensor = given.detach()
    try:
        # A view may show the same few numbers over and over, more of them than memory holds.
        if tensor.numel() * tensor.element_size() > tensor.untyped_storage().nbytes():
            raise TypeError
        # NumPy has no bf16.
        array: np.ndarray = (tensor.float() if tensor.dtype == torch.bfloat16 else tensor).numpy()
    except (RuntimeError, TypeError):  # sparse, quantised, of a type that NumPy does not have ...
        raise WeightsError(f"{path}: {key} is no plain tensor of numbers") from None
    return array


def _without_prefix(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Without what `DataParallel` puts before each name."""
    if not all(key.startswith("module.") for key in arrays):
        return arrays
    return {key.removeprefix("module."): array for key, array in arrays.items()}
