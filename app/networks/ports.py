"""Finds the input and the outputs of a network of another project.

TensorFlow's graphs have inputs and outputs that only save and restore variables: they hold strings,
or no tensor of numbers, and are no candidates.
"""

from collections.abc import Sequence

import openvino
from openvino import Output as Port

from app.errors import SetupError
from app.networks.request import NetworkRequest

_MOST_SHOWN = 20
"""Most tensors in a message."""

_NOT_COMPUTED = ("Parameter", "Constant", "Result")
"""Operations with tensors that are neither scores nor an embedding."""


def find_input(model: openvino.Model, request: NetworkRequest) -> Port:
    """Return the input: the named one, or else the only one with numbers.

    Raises:
        SetupError: The name is unknown, or there are several candidates or none.
    """
    candidates = [port for port in model.inputs if port.element_type.is_real()]
    if request.input:
        return _named(candidates, request.input, "input")
    expected = [port for port in candidates if request.suggested_input in _names(port)]
    return _only(expected or candidates, "input")


def find_scores(model: openvino.Model, request: NetworkRequest) -> Port | None:
    """Return the output with the scores; None if the network is used only for its embedding.

    It is the named one, or else the only one with numbers, or the only one as wide as the labels.

    Raises:
        SetupError: The name is unknown, or there are several candidates or none.
    """
    if not request.labels and not request.output:
        return None
    if request.output:
        return _named(_tensors(model), request.output, "output")
    if suggested := _suggested(model, request.suggested_output):
        return suggested
    candidates = _outputs(model)
    as_wide = [port for port in candidates if _width(port) == request.labels]
    return _only(as_wide if len(as_wide) == 1 else candidates, "output")


def find_embedding(model: openvino.Model, request: NetworkRequest) -> Port | None:
    """Return the output with the embedding, if one is named or suggested.

    Raises:
        SetupError: The name is unknown.
    """
    if request.embedding:
        return _named(_tensors(model), request.embedding, "embedding")
    return _suggested(model, request.suggested_embedding)


def describe(ports: Sequence[Port]) -> str:
    """Return names and shapes, for messages."""
    shown = dict.fromkeys(f"{_name(port)} {port.partial_shape}" for port in ports)
    return ", ".join([*shown][:_MOST_SHOWN]) or "none"


def _outputs(model: openvino.Model) -> list[Port]:
    """Return the outputs with numbers that are not merely inputs passed on."""
    found = [port.get_node().input_value(0) for port in model.outputs]
    return [
        port
        for port in found
        if port.element_type.is_real() and port.get_node().get_type_name() not in _NOT_COMPUTED
    ]


def _tensors(model: openvino.Model) -> list[Port]:
    """Return the outputs, and then all named tensors with numbers inside of the network."""
    nodes = [each for each in model.get_ordered_ops() if each.get_type_name() not in _NOT_COMPUTED]
    inner = [port for node in nodes for port in node.outputs()]
    named = [port for port in inner if port.get_names() and port.element_type.is_real()]
    return [*_outputs(model), *named]


def _suggested(model: openvino.Model, name: str | None) -> Port | None:
    """Return the tensor with a name that the metadata suggests; metadata may be wrong."""
    return next((port for port in _tensors(model) if name and name in _names(port)), None)


def _named(ports: Sequence[Port], name: str, what: str) -> Port:
    for port in ports:
        if name.removesuffix(":0") in _names(port):
            return port
    raise SetupError(f"the network has no {what} {name!r}; it has {describe(ports)}")


def _only(ports: Sequence[Port], what: str) -> Port:
    if len(ports) == 1:
        return ports[0]
    if not ports:
        raise SetupError(f"the network has no {what} of numbers")
    raise SetupError(
        f"the network has several candidates for its {what}: {describe(ports)}; which one? Name it "
        f"with --{what}"
    )


def _names(port: Port) -> set[str]:
    """Return the names of a tensor; of the first one of an operation also without `:0`."""
    names = set(port.get_names())
    if port.get_index() == 0:
        names.add(port.get_node().get_friendly_name())
    return names | {name.removesuffix(":0") for name in names}


def _name(port: Port) -> str:
    name: str = min(port.get_names(), key=len, default=port.get_node().get_friendly_name())
    return name


def _width(port: Port) -> int | None:
    shape = port.partial_shape
    if shape.rank.is_dynamic or not len(shape) or shape[-1].is_dynamic:
        return None
    width: int = shape[-1].get_length()
    return width
