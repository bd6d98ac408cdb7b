"""Converts checkpoints released for PyTorch, and publishes them as models."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from app.errors import ManifestError, SetupError
from app.models import Architecture, architectures
from app.models.folding import Weights as Arrays
from app.paths import open_file
from app.store.importers.available_models import Available
from app.store.importers.torch_checkpoint import convert, read_checkpoint
from app.store.manifest.manifest import Manifest, ModelSpec
from app.store.manifest.tables import validate
from app.store.registry.loading import check_scores, shapes
from app.store.registry.packaging import ModelPackage
from app.store.registry.publishing import publish, publish_package
from app.store.registry.weights import check_converted, pack, weights_path
from app.store.storage.store import Store

LONG_WINDOW_S = 10.0
"""Windows of at least this length overlap by half; shorter ones don't overlap."""


@dataclass(frozen=True)
class Released:
    """The description of a released checkpoint.

    Attributes:
        name: The name of the model to publish.
        architecture: The architecture in `app.models`.
        tags: The tags in the order of the outputs.
        family: The name of their family; by default the name of the model.
        arguments: Arguments of the architecture other than its defaults.
        summary: A sentence about the model.
        url: Where it was released.
        licence: The licence of the weights.
        citation: How to cite the model.
        evaluation: `dataset`, `roc_auc` and `pr_auc`, if they are known.
    """

    name: str
    architecture: str
    tags: tuple[str, ...]
    family: str = ""
    arguments: Mapping[str, object] = field(default_factory=dict)
    summary: str = ""
    url: str = ""
    licence: str = ""
    citation: str = ""
    evaluation: Mapping[str, object] | None = None


def import_torch(store: Store, checkpoint: Path, released: Released) -> Manifest:
    """Convert a checkpoint and publish it as the next version of its name.

    Args:
        store: The model store.
        checkpoint: The file.
        released: The description of the checkpoint.

    Raises:
        SetupError: The checkpoint or its description is not valid; the store is unchanged.
    """
    architecture = _architecture(released.architecture)
    spec = _spec(checkpoint, released, architecture)
    return publish(store, spec, _converted(checkpoint, spec, architecture))


def publish_available(store: Store, model: Available, checkpoint: Path) -> Manifest:
    """Convert the checkpoint of a model that can be pulled, and publish it with its manifest.

    If the model is published without its weights, only these are written.

    Args:
        store: The model store.
        model: The model.
        checkpoint: The downloaded file.

    Raises:
        SetupError: The weights or their scores differ from the manifest, or it can't be written;
            the store is unchanged.
    """
    manifest = model.manifest
    architecture = _architecture(manifest.architecture.name)
    weights = _converted(checkpoint, manifest, architecture)
    data = pack(weights)
    check_converted(manifest, data)
    published = model.published(store)
    if published is None:
        return publish_package(store, ModelPackage(model.text, data, str(checkpoint)))
    check_scores(published, weights)
    with store.locked():
        store.write(weights_path(published), data)
    return published


def _architecture(name: str) -> Architecture:
    convertible = {each: known for each, known in architectures().items() if known.torch_layers}
    if name not in convertible:
        reason = "has no PyTorch checkpoints" if name in architectures() else "is unknown"
        expected = ", ".join(convertible) or "none"
        raise SetupError(f"architecture {name!r} {reason}; expected one of {expected}")
    return convertible[name]


def _converted(checkpoint: Path, spec: ModelSpec, architecture: Architecture) -> Arrays:
    weights = read_checkpoint(checkpoint)
    expected = shapes(spec, spec.architecture.arguments)
    return convert(weights, architecture.torch_layers or {}, expected, str(checkpoint))


def _spec(checkpoint: Path, released: Released, architecture: Architecture) -> ModelSpec:
    frames = architecture.window_frames
    front = architecture.front_end
    is_long = frames * front.hop / front.sample_rate >= LONG_WINDOW_S
    values = {
        "name": released.name,
        "summary": released.summary or f"{released.architecture}, released for PyTorch.",
        "architecture": {"name": released.architecture, "arguments": dict(released.arguments)},
        "front_end": front,
        "window": {"frames": frames, "hop_frames": frames // 2 if is_long else frames},
        "tags": {"family": released.family or released.name, "names": released.tags},
        "source": {
            "description": f"PyTorch checkpoint, SHA-256 {_digest(checkpoint)}",
            "url": released.url,
            "licence": released.licence,
            "citation": released.citation,
        },
        "evaluation": released.evaluation,
    }
    return validate(ModelSpec, values, released.name)


def _digest(checkpoint: Path) -> str:
    try:
        with open_file(checkpoint) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ManifestError(f"{checkpoint}: can't be read: {error.strerror}") from error
