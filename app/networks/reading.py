"""Reads the files of networks of other projects with OpenVINO."""

from pathlib import Path

import openvino
from openvino.frontend import (
    FrontEndManager,
    GeneralFailure,
    InitializationFailure,
    NotImplementedFailure,
    OpConversionFailure,
    OpValidationFailure,
)

from app.errors import SetupError
from app.networks.formats import Format, check_format, find_format

_FRONT_ENDS = {
    Format.ONNX: "onnx",
    Format.TFLITE: "tflite",
    Format.FROZEN_GRAPH: "tf",
    Format.SAVED_MODEL: "tf",
    Format.OPENVINO: "ir",
}
"""OpenVINO's front ends. Left to itself it would choose by content: then an ONNX file with another
name would not have been checked for the names of files in it."""

_FAILURES = (
    *(GeneralFailure, InitializationFailure, NotImplementedFailure),
    *(OpConversionFailure, OpValidationFailure, RuntimeError, ValueError, OSError),
)

_PLACES = ("Check '", "Exception from", "src/", "FrontEnd API failed", "To facilitate")
"""Beginnings of lines in OpenVINO's messages that do not give the reason."""


def read_network_file(path: Path) -> openvino.Model:
    """Read a network.

    Raises:
        SetupError: It is too large, names files outside its folder, or OpenVINO can't read it.
    """
    check_format(path)
    front_end = FrontEndManager().load_by_framework(_FRONT_ENDS[find_format(path)])
    try:
        return front_end.convert(front_end.load(path))
    except _FAILURES as error:
        raise SetupError(f"OpenVINO can't read it: {reason(error)}") from error


def reason(error: Exception) -> str:
    """Return the line of one of OpenVINO's messages that gives the reason."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    reasons = [line for line in lines if not line.startswith(_PLACES)]
    return (reasons or lines or [type(error).__name__])[-1][:500]
