"""What is said about a published model, and committed, while its weights are not."""

import re
import tomllib
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from app.domain import FrontEnd, ModelRef
from app.errors import ManifestError

FILE_NAME = "manifest.toml"

Count = Annotated[int, Field(gt=0, lt=2**20)]
Unit = Annotated[float, Field(ge=0, le=1)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


def _distinct(names: tuple[str, ...]) -> tuple[str, ...]:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"named twice: {', '.join(twice)}")
    return names


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Architecture(_Table):
    """Which of `app.models` builds the network, and with what."""

    name: str
    arguments: dict[str, object] = {}


class FrontEndTable(_Table):
    """See `app.domain.FrontEnd`."""

    sample_rate: Count
    n_fft: Count
    hop: Count
    n_mels: Count
    f_min: Annotated[float, Field(ge=0)]
    f_max: Annotated[float, Field(gt=0)]
    log_gain: Annotated[float, Field(gt=0)]


class Window(_Table):
    """What the network hears at a time."""

    window_s: Annotated[float, Field(gt=0)]
    hop_s: Annotated[float, Field(gt=0)]


class Tags(_Table):
    """The raw tags in the order of the network's outputs, and the family that names them.

    Vocabularies refer to a family, so that all models trained on the same tags share an entry.
    """

    family: Annotated[str, Field(pattern=r"^[a-z0-9-]+$")]
    names: Annotated[tuple[str, ...], Field(min_length=1), AfterValidator(_distinct)]


class Weights(_Table):
    """The weights' file beside the manifest and its SHA-256."""

    file: Annotated[str, Field(pattern=r"^[a-z0-9.-]+\.safetensors$")]
    sha256: Sha256


class Source(_Table):
    """Where the weights come from and under which terms."""

    wheel_checkpoint: str
    description: str
    url: str
    licence: str
    citation: str


class Evaluation(_Table):
    """Figures that the model's authors published."""

    dataset: str
    roc_auc: Unit
    pr_auc: Unit


class Confidence(_Table):
    """Below which mean scores over a track the model is not sure of it.

    `best`: of the best raw tag that speaks for a vocabulary. `total`: the sum over all raw tags,
    how much the model recognises at all; it tells music from noise, tones and speech.
    """

    best: Unit
    total: Annotated[float, Field(ge=0)]


class Golden(_Table):
    """A seeded input and what comes out; see `app.store.golden`."""

    seed: int
    seconds: Annotated[float, Field(gt=0)]
    tolerance: Annotated[float, Field(gt=0)]
    mean_scores: tuple[Unit, ...]


class Manifest(_Table):
    """All that is known of one version of one model. Immutable once published."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    version: Annotated[str, Field(pattern=r"^[1-9][0-9]*$")]
    summary: str
    architecture: Architecture
    front_end: FrontEndTable
    window: Window
    tags: Tags
    weights: Weights
    source: Source
    evaluation: Evaluation
    confidence: Confidence
    golden: Golden

    @property
    def ref(self) -> ModelRef:
        """Name and version."""
        return ModelRef(self.name, self.version)

    @property
    def front(self) -> FrontEnd:
        """The front end as the models take it."""
        return FrontEnd(**self.front_end.model_dump())

    @property
    def window_frames(self) -> int:
        """Length of a window in melgram frames."""
        return self._frames(self.window.window_s)

    @property
    def hop_frames(self) -> int:
        """Distance of two windows in melgram frames."""
        return self._frames(self.window.hop_s)

    def _frames(self, seconds: float) -> int:
        return round(seconds * self.front_end.sample_rate / self.front_end.hop)


def read_manifest(path: Path) -> Manifest:
    """Read and check `<store>/<name>/<version>/manifest.toml`.

    Raises:
        ManifestError: It is no TOML, lacks something, or contradicts itself or its folder.
    """
    try:
        manifest = Manifest.model_validate(tomllib.loads(path.read_text()))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ManifestError(f"{path}: {where}: {first['msg']}") from error
    # No TOML, no UTF-8, a number of thousands of digits; brackets without end.
    except (OSError, ValueError, RecursionError) as error:
        raise ManifestError(f"{path}: {error}") from error
    _check(path, manifest)
    return manifest


def read_store(store: Path) -> dict[str, Manifest]:
    """The newest version of each published model, by name.

    Raises:
        ManifestError: One of the manifests is wrong, or there is none.
    """
    found = [read_manifest(path) for path in sorted(store.glob(f"*/*/{FILE_NAME}"))]
    if not found:
        raise ManifestError(f"{store}: no model is published here; is TAGGRAM_MODEL_STORE right?")
    return {manifest.name: manifest for manifest in sorted(found, key=lambda m: int(m.version))}


def _check(path: Path, manifest: Manifest) -> None:
    if (path.parent.parent.name, path.parent.name) != (manifest.name, manifest.version):
        raise ManifestError(f"{path}: says it is {manifest.ref}, but lies elsewhere")
    if len(manifest.golden.mean_scores) != len(manifest.tags.names):
        raise ManifestError(f"{path}: golden.mean_scores: not one score for each tag")
    for name, seconds in manifest.window.model_dump().items():
        frames = seconds * manifest.front_end.sample_rate / manifest.front_end.hop
        if not re.fullmatch(r"[1-9]\d*\.0{3}", f"{frames:.3f}"):
            raise ManifestError(f"{path}: window.{name}: {frames:.3f} frames, not a whole number")
