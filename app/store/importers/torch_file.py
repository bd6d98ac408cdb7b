"""Reads state dicts in files of `torch.save`, without PyTorch.

Such a file is a pickle that describes tensors, with their numbers: behind the pickle, before
PyTorch 1.6, or in members of a zip archive. The arrays are views of the file's bytes, so a false
size can't make them larger than the file.
"""

import math
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from zipfile import ZIP_STORED, BadZipFile, ZipFile

import numpy as np

from app.errors import WeightsError
from app.store.importers.pickles import read_pickle

MAX_BYTES = 2**30

_MAGIC, _PROTOCOL = 0x1950A86A20F9469CFC6C, 1001
_MAX_AXES = 8
_BFLOAT16 = np.dtype("V2")
"""The upper half of float32, a type that NumPy lacks."""
_DTYPES = {
    "torch BFloat16Storage": _BFLOAT16,
    "torch BoolStorage": np.dtype("?"),
    "torch ByteStorage": np.dtype("u1"),
    "torch CharStorage": np.dtype("i1"),
    "torch DoubleStorage": np.dtype("<f8"),
    "torch FloatStorage": np.dtype("<f4"),
    "torch HalfStorage": np.dtype("<f2"),
    "torch IntStorage": np.dtype("<i4"),
    "torch LongStorage": np.dtype("<i8"),
    "torch ShortStorage": np.dtype("<i2"),
}
_DAMAGED = (
    *(ValueError, TypeError, LookupError, AttributeError, OverflowError, struct.error),
    *(BadZipFile, NotImplementedError, RuntimeError, EOFError),
)
"""Exceptions for damaged pickles and archives."""

_CONTAINERS = ("state_dict", "model_state_dict", "model")
"""Keys under which training loops save a state dict together with other data."""
_KEYS_SHOWN = 3

Numbers = bytes | memoryview


def read_state_dict(data: bytes) -> dict[str, np.ndarray]:
    """Return the arrays of a state dict by parameter names, without running code in the file.

    Their shapes are those in the file.

    Raises:
        WeightsError: The file is not from PyTorch, is damaged, or is not a flat state dict.
    """
    if len(data) > MAX_BYTES:
        raise WeightsError(f"the file has {len(data):,} bytes; expected at most {MAX_BYTES:,}")
    try:
        content, storages = (_read_zip if data.startswith(b"PK") else _read_legacy)(data)
    except _DAMAGED as error:
        raise WeightsError("this is not a PyTorch checkpoint, or it is damaged") from error
    return _arrays(_state_dict(content), storages, 2 * len(data))


@dataclass(frozen=True)
class _Storage:
    """A contiguous block of numbers, and its key in the file."""

    key: str
    dtype: np.dtype
    count: int

    @property
    def nbytes(self) -> int:
        return self.count * self.dtype.itemsize


@dataclass(frozen=True)
class _Tensor:
    """A view of a storage; its offset and strides are in numbers."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def array(self, numbers: Numbers) -> np.ndarray:
        """Return the view as an array.

        Raises:
            ValueError: The size of the storage is wrong, or the view exceeds it.
        """
        if len(numbers) != self.storage.nbytes:
            raise ValueError("another number of bytes than announced")
        dtype = self.storage.dtype
        strides = tuple(stride * dtype.itemsize for stride in self.strides)
        array = np.ndarray(self.shape, dtype, numbers, self.offset * dtype.itemsize, strides)
        if dtype != _BFLOAT16:
            return array
        halves: np.ndarray = np.ascontiguousarray(array).view("<u2").reshape(self.shape)
        return (halves.astype("<u4") << 16).view("<f4")


class _Description:
    """The content of a pickle, and the storages that its tensors are views of."""

    def __init__(self, file: BytesIO) -> None:
        self.storages: dict[str, _Storage] = {}
        names = {
            **_DTYPES,
            "collections OrderedDict": _empty,
            "torch._utils _rebuild_tensor_v2": _tensor,
            "torch._utils _rebuild_parameter": lambda tensor, *_: tensor,
        }
        self.content = read_pickle(file, names, self._storage)

    def _storage(self, persistent_id: Iterable[object]) -> _Storage:
        kind, dtype, key, _, count, *view = persistent_id
        if kind != "storage" or not isinstance(dtype, np.dtype) or not isinstance(key, str):
            raise TypeError("not a storage")
        if any(view):
            raise TypeError("not a whole storage")
        storage = _Storage(key, dtype, _sizes(count)[0])
        if self.storages.setdefault(key, storage) != storage:
            raise ValueError("a storage of two types or sizes")
        return storage


def _state_dict(content: object) -> dict[str, _Tensor]:
    """Return the state dict of a file, which may contain other data too.

    Raises:
        WeightsError: There is none.
    """
    if isinstance(content, dict):
        inner = (content.get(name) for name in _CONTAINERS)
        content = next((each for each in inner if isinstance(each, dict)), content)
    if not isinstance(content, dict) or not content:
        raise WeightsError("this is not a state dict: expected parameters by their names")
    for key, value in content.items():
        if not isinstance(key, str) or not key.isprintable():
            raise WeightsError(f"this is not a state dict: {key!r:.80} is not a parameter's name")
        if not isinstance(value, _Tensor):
            raise WeightsError(
                f"this is not a flat state dict: {key} is not a tensor; its keys are "
                f"{shorten_list(list(content), _KEYS_SHOWN)}; save `model.state_dict()`, or a "
                f"dictionary with it as {', '.join(map(repr, _CONTAINERS))}"
            )
    return content


def shorten_list(names: Sequence[object], at_most: int) -> str:
    """Return the first names and the number of the others, for messages."""
    more = len(names) - at_most
    first = ", ".join(f"{name!s:.80}" for name in names[:at_most])
    return first + (f" and {more} more" if more > 0 else "")


def _empty() -> dict[object, object]:
    """Replace `OrderedDict`, which is created empty."""
    return {}


def _tensor(
    storage: object,
    offset: object,
    shape: Iterable[object],
    strides: Iterable[object],
    *_: object,
) -> _Tensor:
    if not isinstance(storage, _Storage):
        raise TypeError("not a storage")
    return _Tensor(storage, _sizes(offset)[0], _sizes(*shape), _sizes(*strides))


def _sizes(*values: object) -> tuple[int, ...]:
    sizes = tuple(each for each in values if type(each) is int and 0 <= each < 2**63)
    if len(sizes) < len(values) or len(values) > _MAX_AXES:
        raise TypeError("not sizes")
    return sizes


def _arrays(
    content: Mapping[str, _Tensor], storages: Mapping[str, Numbers], at_most: int
) -> dict[str, np.ndarray]:
    """Return the tensors as arrays of at most `at_most` bytes in total.

    The limit is needed as many tensors may be views of one storage.
    """
    arrays = {}
    for key, tensor in content.items():
        nbytes = math.prod(tensor.shape) * tensor.storage.dtype.itemsize
        at_most -= nbytes
        try:
            if not 0 < nbytes <= tensor.storage.nbytes or at_most < 0:
                raise ValueError("more numbers than in the storage")
            arrays[key] = tensor.array(storages[tensor.storage.key])
        except _DAMAGED as error:
            raise WeightsError(
                f"{key}: its shape {tensor.shape}, strides {tensor.strides} and offset "
                f"{tensor.offset} do not fit a storage of {tensor.storage.count} numbers"
            ) from error
    return arrays


def _read_legacy(data: bytes) -> tuple[object, dict[str, Numbers]]:
    """Return the content and the storages of a file in the format before PyTorch 1.6."""
    file, numbers = BytesIO(data), memoryview(data)
    magic, protocol, system = (read_pickle(file) for _ in range(3))
    little_endian = isinstance(system, dict) and system.get("little_endian") is True
    if (magic, protocol) != (_MAGIC, _PROTOCOL) or not little_endian:
        raise ValueError("another header")
    described = _Description(file)
    keys, position = read_pickle(file), file.tell()
    storages: dict[str, Numbers] = {}
    for key in keys if isinstance(keys, list) else ():
        if not isinstance(key, str):
            raise TypeError("not a storage's key")
        storage = described.storages[key]
        (count,) = struct.unpack_from("<q", data, position)
        start, position = position + 8, position + 8 + storage.nbytes
        if count != storage.count or position > len(data):
            raise EOFError
        storages[key] = numbers[start:position]
    return described.content, storages


def _read_zip(data: bytes) -> tuple[object, dict[str, Numbers]]:
    """Return the content and the storages of a file in the zip format, without compression."""
    with ZipFile(BytesIO(data)) as archive:
        members = {each.filename.partition("/")[2]: each for each in archive.infolist()}
        if any(each.compress_type != ZIP_STORED for each in members.values()):
            raise ValueError("compressed")
        if sum(each.file_size for each in members.values()) > len(data):
            raise ValueError("members that overlap")
        if "byteorder" in members and archive.read(members["byteorder"]) != b"little":
            raise ValueError("another byte order")
        described = _Description(BytesIO(archive.read(members["data.pkl"])))
        storages: dict[str, Numbers] = {
            key: archive.read(members[f"data/{key}"]) for key in described.storages
        }
        return described.content, storages
