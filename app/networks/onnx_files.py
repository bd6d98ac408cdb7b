"""Finds the files that an ONNX file keeps its weights in, and keeps them inside its folder.

An ONNX file may name any path: its author could have other files of this machine read. The
messages below are the parts of `onnx.proto` (github.com/onnx/onnx) that lead to such names.
"""

from collections.abc import Iterator
from pathlib import Path

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError, Message

from app.errors import SetupError
from app.paths import is_inside, resolve_inside

_REPEATED = {
    "ModelProto": {
        "graph": (7, "GraphProto"),
        "training_info": (20, "TrainingInfoProto"),
        "functions": (25, "FunctionProto"),
    },
    "TrainingInfoProto": {"initialization": (1, "GraphProto"), "algorithm": (2, "GraphProto")},
    "FunctionProto": {"node": (7, "NodeProto"), "attribute_proto": (11, "AttributeProto")},
    "GraphProto": {
        "node": (1, "NodeProto"),
        "initializer": (5, "TensorProto"),
        "sparse_initializer": (15, "SparseTensorProto"),
    },
    "SparseTensorProto": {"values": (1, "TensorProto"), "indices": (2, "TensorProto")},
    "NodeProto": {"attribute": (5, "AttributeProto")},
    "AttributeProto": {
        "t": (5, "TensorProto"),
        "g": (6, "GraphProto"),
        "tensors": (10, "TensorProto"),
        "graphs": (11, "GraphProto"),
        "sparse_tensor": (22, "SparseTensorProto"),
        "sparse_tensors": (23, "SparseTensorProto"),
    },
    "TensorProto": {"external_data": (13, "StringStringEntryProto")},
}
"""Fields by message: their numbers and types. Reading single fields as repeated ones is valid."""
_TEXT = {"StringStringEntryProto": {"key": 1, "value": 2}}


def external_names(path: Path) -> tuple[str, ...]:
    """Return the names of the files that an ONNX file keeps weights in, relative to its folder.

    Raises:
        SetupError: It is damaged.
    """
    return tuple(sorted(set(_locations(_parse(path)))))


def external_file(path: Path, name: str) -> Path:
    """Return a file that an ONNX file keeps weights in.

    Args:
        path: The ONNX file.
        name: The name of the other file, which is not trusted.

    Raises:
        SetupError: It is not a file in the folder of the ONNX file.
    """
    if not is_inside(name):
        raise SetupError(
            f"the ONNX file keeps weights in {name!r}; expected a file in its own folder. Save "
            "the network with its weights in one file"
        )
    named = resolve_inside(path.parent, name)
    if named.is_symlink() or not named.is_file():
        raise SetupError(
            f"the ONNX file keeps weights in {name!r}, which is not a file in its folder; fetch "
            "that file too"
        )
    return named


def _parse(path: Path) -> Message:
    try:
        return _model_class().FromString(path.read_bytes())
    except DecodeError as error:
        raise SetupError("this is not an ONNX file, or it is damaged") from error


def _locations(message: Message) -> Iterator[str]:
    """Yield the names of files, also of subgraphs."""
    for field, values in message.ListFields():
        if field.message_type is None:
            continue
        for value in values:
            if getattr(value, "key", None) == "location":
                yield value.value
            yield from _locations(value)


def _model_class() -> type[Message]:
    file = descriptor_pb2.FileDescriptorProto(name="onnx_files.proto", package="taggram")
    for name, fields in (_REPEATED | _TEXT).items():
        message = file.message_type.add(name=name)
        for field, kind in fields.items():
            if isinstance(kind, int):
                message.field.add(name=field, number=kind, label=1, type=9)
            else:
                number, of = kind
                message.field.add(
                    name=field, number=number, label=3, type=11, type_name=f".taggram.{of}"
                )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    found = pool.FindMessageTypeByName("taggram.ModelProto")
    model_class: type[Message] = message_factory.GetMessageClass(found)
    return model_class
