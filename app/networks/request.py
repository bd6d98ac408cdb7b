"""What the conversion of a network is asked for, and what it reports: exchanged as JSON."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

ANSWER = "answer.json"
"""The file with the report or the failure."""

Activation = Literal["none", "sigmoid", "softmax"]


class NetworkRequest(BaseModel):
    """A network's file, and how to use it.

    Attributes:
        file: The file, or the folder of a SavedModel.
        window: The shape of a window; None: the length of the network's own input, in samples.
        labels: The number of labels; 0 if only the embedding is used.
        input: The name of the input; None: found.
        output: The name of the output with scores; None: found.
        embedding: The name of the tensor with the embedding, if it is used.
        suggested_input: The input's name in the metadata, which may be wrong.
        suggested_output: The same of the output.
        suggested_embedding: The same of the embedding.
        activation: Applied to the scores of a network that ends in logits.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: Path
    window: tuple[int, ...] | None
    labels: int
    input: str | None = None
    output: str | None = None
    embedding: str | None = None
    suggested_input: str | None = None
    suggested_output: str | None = None
    suggested_embedding: str | None = None
    activation: Activation = "none"


class NetworkReport(BaseModel):
    """A converted network.

    Attributes:
        window: The shape of a window.
        batch: The only batch size that it takes; None: any.
        embedding: The width of its embedding; 0 without.
        external: The names of the other files that an ONNX file keeps weights in.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    window: tuple[int, ...]
    batch: int | None
    embedding: int
    external: tuple[str, ...] = ()


class Failure(BaseModel):
    """Why a network can't be converted, in words."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    failure: str
