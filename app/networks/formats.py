"""The formats of network files, and checks of them before they are parsed."""

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path

from app.errors import SetupError
from app.networks.ir import LARGEST_NETWORK
from app.networks.onnx_files import external_file, external_names


class Format(StrEnum):
    """A format of networks that OpenVINO reads."""

    ONNX = "onnx"
    TFLITE = "tflite"
    FROZEN_GRAPH = "frozen graph"
    SAVED_MODEL = "SavedModel"
    OPENVINO = "OpenVINO IR"


_SUFFIXES = {
    ".onnx": Format.ONNX,
    ".tflite": Format.TFLITE,
    ".pb": Format.FROZEN_GRAPH,
    ".xml": Format.OPENVINO,
}
SAVED_MODEL = "saved_model.pb"


def find_format(path: Path) -> Format:
    """Return the format of a file, by its name.

    Raises:
        SetupError: It does not exist, or its name is not that of such a file.
    """
    if path.is_dir() and (path / SAVED_MODEL).is_file():
        return Format.SAVED_MODEL
    if not path.is_file():
        raise SetupError(f"{path}: this is neither a file nor the folder of a SavedModel")
    if path.name == SAVED_MODEL:
        raise SetupError(f"{path}: this is a part of a SavedModel; pass its folder, {path.parent}")
    if path.suffix.lower() not in _SUFFIXES:
        raise SetupError(
            f"{path}: networks have names in {', '.join(_SUFFIXES)}, or are folders with "
            f"{SAVED_MODEL}"
        )
    return _SUFFIXES[path.suffix.lower()]


def network_files(path: Path, external: Sequence[str] = ()) -> list[Path]:
    """Return all files of a network: its own, and then those with its weights.

    Args:
        path: Its file, or the folder of a SavedModel.
        external: For an ONNX file, the names of those with weights; see `external_names`.

    Raises:
        SetupError: It is not a network's file, or one with weights is not in its folder.
    """
    match find_format(path):
        case Format.SAVED_MODEL:
            return sorted(each for each in path.rglob("*") if each.is_file())
        case Format.OPENVINO:
            return [each for each in (path, path.with_suffix(".bin")) if each.is_file()]
        case _:
            return [path, *(external_file(path, name) for name in external)]


def check_format(path: Path) -> None:
    """Check the size of a network's files, and that an ONNX file names none outside its folder.

    Raises:
        SetupError: They are larger than `LARGEST_NETWORK`, or it names another file.
    """
    _check_size(network_files(path))
    if find_format(path) is Format.ONNX:
        _check_size(network_files(path, external_names(path)))


def _check_size(files: Sequence[Path]) -> None:
    size = sum(each.stat().st_size for each in files)
    if size > LARGEST_NETWORK:
        raise SetupError(f"the network has {size:,} bytes; expected at most {LARGEST_NETWORK:,}")
    if not size:
        raise SetupError("the file is empty")
