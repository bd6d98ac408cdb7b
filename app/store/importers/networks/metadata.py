"""Reads the metadata files that essentia publishes with its models.

They contain errors, such as a wrong number of outputs. Therefore the names of tensors in them are
only suggestions, and numbers are not used at all. https://essentia.upf.edu/models.html has them.
"""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from app.errors import SetupError
from app.paths import read_file, reason
from app.store.storage.store import LARGEST_TEXT

PREDICTIONS, EMBEDDINGS = "predictions", "embeddings"
"""Purposes of outputs."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class Tensor(_Part):
    """An input or output of the network."""

    name: str
    output_purpose: str = ""


class Schema(_Part):
    """The inputs and outputs of the network."""

    inputs: tuple[Tensor, ...] = ()
    outputs: tuple[Tensor, ...] = ()


class EmbeddingModel(_Part):
    """The model with the embedding that a head takes."""

    model_name: str = ""


class Inference(_Part):
    """How the network is used.

    Attributes:
        sample_rate: In Hz.
        algorithm: Essentia's algorithm that runs it.
        embedding_model: For a head, its backbone.
    """

    sample_rate: int | None = None
    algorithm: str = ""
    embedding_model: EmbeddingModel | None = None


class Metadata(_Part):
    """A metadata file."""

    classes: tuple[str, ...]
    description: str = ""
    link: str = ""
    citation: str = ""
    tensors: Schema = Field(Schema(), alias="schema")
    inference: Inference = Inference()

    @property
    def input(self) -> str | None:
        """The name of the only input, if there is one."""
        inputs = self.tensors.inputs
        return inputs[0].name if len(inputs) == 1 else None

    def output(self, purpose: str) -> str | None:
        """Return the name of the output with a purpose, if there is one."""
        outputs = self.tensors.outputs
        return next((each.name for each in outputs if each.output_purpose == purpose), None)


def read_metadata(path: Path) -> Metadata:
    """Read a metadata file.

    Raises:
        SetupError: It can't be read, or is not such a file.
    """
    try:
        return Metadata.model_validate_json(read_file(path, LARGEST_TEXT))
    except OSError as error:
        raise SetupError(f"{path}: the metadata can't be read: {reason(error)}") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        message = ": ".join(filter(None, (place, first["msg"])))
        raise SetupError(
            f"{path}: {message}; expected a metadata file of essentia, or use --tags"
        ) from error
