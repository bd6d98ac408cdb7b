"""The tables of a manifest that say where a model is from, and on what terms."""

from typing import Annotated

from pydantic import Field

from app.store.manifest.tables import Table
from app.store.manifest.training_results import Sha256


class Checkpoint(Table):
    """A released file of `torch.save`; see `app.store.importers.available_models`.

    Attributes:
        base: The URL of the folder that it was released in.
        path: Its path in that folder and in mirrors of it.
        size: In bytes.
        sha256: Its SHA-256.
    """

    base: Annotated[str, Field(pattern=r"^https://[^?#]+[^/?#]$")]
    path: Annotated[str, Field(pattern=r"^[a-z0-9_-]+(/[a-z0-9_-]+)*\.pth$")]
    size: Annotated[int, Field(gt=0)]
    sha256: Sha256


class FineTunedFrom(Table):
    """The model whose weights a training began with; its terms apply to the new one too.

    Attributes:
        model: As `name/version`.
        weights_sha256: The SHA-256 of its file of weights.
        description: A sentence about its origin.
        licence: The licence of its weights.
        commercial_use: Whether that allows commercial use; None: not stated.
        trained_on: Its training data.
        data_terms: The terms of that data.
        citation: How to cite it.
    """

    model: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*/[1-9][0-9]*$")]
    weights_sha256: Sha256
    description: str
    licence: str
    commercial_use: bool | None = None
    trained_on: str | None = None
    data_terms: str | None = None
    citation: str


class ModelSource(Table):
    """The origin of the weights, and their terms.

    Attributes:
        wheel_checkpoint: The name of the weights in the wheel of musicnn, if
            `taggram models pull` can download them.
        description: A sentence about the origin.
        url: Where they were released.
        licence: The licence of the weights.
        commercial_use: Whether the licence allows commercial use; None: not stated.
        trained_on: The training data.
        data_terms: The terms of the training data.
        citation: How to cite the model.
        checkpoint: The file that the weights were converted from, if
            `taggram models pull NAME` can download it.
        fine_tuned_from: The model that the training started from.
    """

    wheel_checkpoint: Annotated[str, Field(pattern=r"^[A-Za-z0-9_]+$")] | None = None
    description: str
    url: str
    licence: str
    commercial_use: bool | None = None
    trained_on: str | None = None
    data_terms: str | None = None
    citation: str
    checkpoint: Checkpoint | None = None
    fine_tuned_from: FineTunedFrom | None = None


class ImportedNetwork(Table):
    """A network of another project, in the canonical form of `app.networks`.

    Attributes:
        format: The format of the file that it was imported from.
        file_sha256: The SHA-256 of that file; of several, that of their SHA-256 one after another.
        embedding: The width of the embedding that it also outputs; 0 without.
        backbone: For a head, the model with the embedding that is its input, as `name/version`.
    """

    format: str
    file_sha256: Sha256
    embedding: Annotated[int, Field(ge=0, lt=2**16)] = 0
    backbone: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*/[1-9][0-9]*$")] | None = None
