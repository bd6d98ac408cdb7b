"""Brings a network to the canonical form that engines run; see `app.networks`."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import openvino
from openvino import Output as Port
from openvino import opset13 as ops

from app.errors import SetupError
from app.networks.ports import find_embedding, find_input, find_scores
from app.networks.request import Activation, NetworkReport, NetworkRequest

INPUT, OUTPUT = "windows", "outputs"
DYNAMIC = -1


@dataclass(frozen=True)
class InputLayout:
    """How windows become a network's input.

    Attributes:
        batch: The only batch size that the network takes; None: any.
        shape: Its input's shape; -1 for a batch of any size.
        transposed: Whether its input has bins before frames.
    """

    batch: int | None
    shape: tuple[int, ...]
    transposed: bool


def to_canonical(
    model: openvino.Model, request: NetworkRequest
) -> tuple[openvino.Model, NetworkReport]:
    """Return a network in the canonical form, and its description.

    Raises:
        SetupError: Its input or outputs are not those of a tagger of such windows.
    """
    network_input = find_input(model, request)
    scores, embedding = find_scores(model, request), find_embedding(model, request)
    if scores is None and embedding is None:
        raise SetupError("without labels a network needs --embedding NAME, the tensor that is used")
    window = request.window or _own_window(network_input)
    layout = find_layout(_dimensions(network_input), window)
    parameter = ops.parameter([layout.batch or DYNAMIC, *window], np.float32, name=INPUT)
    _feed(network_input, parameter, layout)
    used = [port for port in (scores, embedding) if port is not None]
    _cut(used, parameter)  # finds the outputs' shapes
    parts = [_flat(port, layout) for port in used]
    if scores is not None:
        _check_width(parts[0], request.labels)
        parts[0] = _activated(parts[0], request.activation)
    outputs = ops.concat(parts, 1) if len(parts) > 1 else parts[0]
    canonical = _cut([outputs.output(0)], parameter)
    canonical.input(0).get_tensor().set_names({INPUT})
    canonical.output(0).get_tensor().set_names({OUTPUT})
    width = 0 if embedding is None else _dimensions(parts[-1].output(0))[-1]
    return canonical, NetworkReport(window=window, batch=layout.batch, embedding=width)


def find_layout(dimensions: Sequence[int], window: Sequence[int]) -> InputLayout:
    """Return how windows fit into a network's input.

    Axes of length 1, such as a channel, are added. Frames and bins may be swapped.

    Args:
        dimensions: Of the input; -1 where any length fits.
        window: The shape of a window.

    Raises:
        SetupError: They don't fit.
    """
    has_batch = len(dimensions) > len(window)
    inner = list(dimensions[1:] if has_batch else dimensions)
    filled = _fill(inner, window)
    transposed = filled is None
    if filled is None:
        filled = _fill(inner, window[::-1])
    if filled is None:
        raise SetupError(
            f"the network takes {_shape(dimensions)}, but the front end makes windows of "
            f"{_shape(window)}; choose the front end, or the window, of the network's training"
        )
    if not has_batch:
        return InputLayout(1, tuple(filled), transposed)
    batch = None if dimensions[0] == DYNAMIC else dimensions[0]
    return InputLayout(batch, (dimensions[0], *filled), transposed)


def _fill(inner: Sequence[int], window: Sequence[int]) -> list[int] | None:
    """Return the axes of an input with the lengths of a window; None if they don't fit."""
    left, filled = list(window), []
    for position, length in enumerate(inner):
        is_spare = len(inner) - position > len(left)
        if length == 1 and is_spare and (not left or left[0] != 1):
            filled.append(1)
        elif left and length in (left[0], DYNAMIC):
            filled.append(left.pop(0))
        else:
            return None
    return None if left else filled


def _own_window(port: Port) -> tuple[int, ...]:
    """Return the length of a network's input in samples."""
    dimensions = _dimensions(port)
    inner = [length for length in dimensions[-1:] if length != DYNAMIC]
    if not inner or any(length != 1 for length in dimensions[1:-1]):
        raise SetupError(
            f"the network takes {_shape(dimensions)}, which says no length of a waveform; write a "
            "front end with a [window] and name it with --front-end"
        )
    return tuple(inner)


def _feed(port: Port, parameter: openvino.Node, layout: InputLayout) -> None:
    """Make the windows the input of the network in place of its own."""
    node = parameter
    if layout.transposed:
        axes = [0, *range(len(parameter.output(0).partial_shape) - 1, 0, -1)]
        node = ops.transpose(node, np.array(axes))
    node = ops.reshape(node, np.array(layout.shape), special_zero=False)
    if port.element_type != openvino.Type.f32:
        node = ops.convert(node, port.element_type)
    for consumer in port.get_target_inputs():
        consumer.replace_source_output(node.output(0))


def _cut(outputs: Sequence[Port], parameter: openvino.Node) -> openvino.Model:
    """Return the part of a network between the windows and some tensors, with known shapes."""
    results = [ops.result(port) for port in outputs]
    try:
        return openvino.Model(results, [parameter], "network")
    except RuntimeError as error:
        if "undeclared parameters" not in str(error):
            raise SetupError(f"the network does not take such windows: {_line(error)}") from error
        further = ", ".join(re.findall(r"Parameter (\S+) \(", str(error)))
        raise SetupError(
            f"the outputs depend on further inputs of the network, {further}; export it with "
            "these as constants"
        ) from error


def _flat(port: Port, layout: InputLayout) -> openvino.Node:
    """Return an output as (batch, width) float32."""
    dimensions = _dimensions(port)
    if not dimensions or dimensions[-1] == DYNAMIC:
        raise SetupError(f"an output has the shape {_shape(dimensions)}: its width is not fixed")
    if any(length not in (1, DYNAMIC, layout.batch) for length in dimensions[:-1]):
        raise SetupError(
            f"an output has the shape {_shape(dimensions)}; expected one row of numbers a window"
        )
    rows = np.array([layout.batch or DYNAMIC, dimensions[-1]])
    node = ops.reshape(port, rows, special_zero=False)
    return node if port.element_type == openvino.Type.f32 else ops.convert(node, np.float32)


def _check_width(scores: openvino.Node, labels: int) -> None:
    width = _dimensions(scores.output(0))[-1]
    if width != labels:
        raise SetupError(
            f"the network has {width} outputs, but there are {labels} labels; the labels must be "
            "those of the network, in its order"
        )


def _activated(scores: openvino.Node, activation: Activation) -> openvino.Node:
    match activation:
        case "sigmoid":
            return ops.sigmoid(scores)
        case "softmax":
            return ops.softmax(scores, 1)
        case "none":
            return scores


def _dimensions(port: Port) -> tuple[int, ...]:
    """Return the lengths of a tensor's axes, -1 where any fits."""
    shape = port.partial_shape
    if shape.rank.is_dynamic:
        raise SetupError(
            "the network does not state the number of axes of its input or output; export it with "
            "fixed shapes"
        )
    return tuple(DYNAMIC if each.is_dynamic else each.get_length() for each in shape)


def _shape(lengths: Sequence[int]) -> str:
    """Return a shape for messages, with `?` where any length fits."""
    return f"[{', '.join('?' if each == DYNAMIC else f'{each:,}' for each in lengths)}]"


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
