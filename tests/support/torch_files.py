"""Files as `torch.save` writes them, made by hand: whole ones, and such as it never would."""

import io
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

MAGIC = 0x1950A86A20F9469CFC6C

KINDS = {
    "float32": "FloatStorage",
    "float64": "DoubleStorage",
    "float16": "HalfStorage",
    "int64": "LongStorage",
    "int32": "IntStorage",
    "int16": "ShortStorage",
    "int8": "CharStorage",
    "uint8": "ByteStorage",
    "bool": "BoolStorage",
}


class Raw(bytes):
    """Instructions of a pickle that leave one value on its stack."""


def raw(value: object) -> Raw:
    """Those that build a value."""
    match value:
        case Raw():
            data: bytes = value
        case None:
            data = b"N"
        case bool():
            data = b"\x88" if value else b"\x89"
        case int():
            data = b"\x8a\x0b" + value.to_bytes(11, "little", signed=True)
        case float():
            data = b"G" + struct.pack(">d", value)
        case str():
            data = b"X" + struct.pack("<I", len(value.encode())) + value.encode()
        case tuple():
            data = b"(" + b"".join(map(raw, value)) + b"t"
        case list():
            data = b"](" + b"".join(map(raw, value)) + b"e"
        case dict():
            data = b"}(" + b"".join(raw(each) for item in value.items() for each in item) + b"u"
    return Raw(data)


def named(name: str) -> Raw:
    """A function or class, as `module name`."""
    return Raw(b"c" + name.replace(" ", "\n").encode() + b"\n")


def call(name: str, *arguments: object) -> Raw:
    """What it returns."""
    return Raw(named(name) + raw(arguments) + b"R")


def storage(key: object, count: object, kind: str = "FloatStorage", view: object = None) -> Raw:
    """A storage, by its persistent id."""
    identity = ("storage", named(f"torch {kind}"), key, "cpu", count, view)
    return Raw(raw(identity) + b"Q")


def tensor(of: Raw, shape: object, strides: object, offset: object = 0) -> Raw:
    """A view of a storage."""
    hooks = call("collections OrderedDict")
    return call("torch._utils _rebuild_tensor_v2", of, offset, shape, strides, False, hooks)


def pickled(value: object) -> bytes:
    """A whole pickle."""
    return b"\x80\x02" + raw(value) + b"."


def legacy(
    content: object, storages: Mapping[str, np.ndarray], *, little_endian: bool = True
) -> bytes:
    """A file as before PyTorch 1.6."""
    system = {"protocol_version": 1001, "little_endian": little_endian}
    values = (MAGIC, 1001, system, content, list(storages))
    numbers = [struct.pack("<q", each.size) + each.tobytes() for each in storages.values()]
    return b"".join([*map(pickled, values), *numbers])


def zipped(
    content: object,
    storages: Mapping[str, np.ndarray],
    *,
    byteorder: str = "little",
    compression: int = zipfile.ZIP_STORED,
) -> bytes:
    """A file as since then."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        archive.writestr("model/data.pkl", pickled(content))
        archive.writestr("model/byteorder", byteorder)
        for key, numbers in storages.items():
            archive.writestr(f"model/data/{key}", numbers.tobytes())
        archive.writestr("model/version", "3\n")
    return file.getvalue()


WRITERS = {"legacy": legacy, "zip": zipped}


def state_dict(arrays: Mapping[str, np.ndarray]) -> tuple[Raw, dict[str, np.ndarray]]:
    """An `OrderedDict` of tensors with the notes that modules leave in it, and its storages."""
    items, storages = b"", {}
    for number, (key, array) in enumerate(arrays.items()):
        of = storage(str(number), array.size, KINDS[array.dtype.name])
        strides = tuple(stride // array.itemsize for stride in array.strides)
        items += raw(key) + tensor(of, array.shape, strides)
        storages[str(number)] = array.ravel("K")
    notes = raw({"_metadata": {"": {"version": 1}}})
    return Raw(call("collections OrderedDict") + b"(" + items + b"u" + notes + b"b"), storages


def save(arrays: Mapping[str, np.ndarray], path: Path) -> Path:
    """Write a state dict as the released ones are."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(legacy(*state_dict(arrays)))
    return path
