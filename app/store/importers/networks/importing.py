"""Imports a network of another project, and publishes it as a model.

file --(convert in a process of its own)--> network in canonical form --(scores of a test clip)-->
plausible --(golden outputs)--> version in the store
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from app.domain import Windows
from app.errors import SetupError
from app.front_ends import FrontEnd
from app.networks.conversion import convert
from app.networks.formats import find_format, network_files
from app.networks.ir import NetworkFiles
from app.networks.request import Activation, NetworkReport, NetworkRequest
from app.networks.running import read_network
from app.store.importers.front_ends.presets import presets, read_front_end
from app.store.importers.labels import read_labels
from app.store.importers.networks.metadata import EMBEDDINGS, PREDICTIONS, Metadata, read_metadata
from app.store.importers.networks.plausibility import check_plausible, make_clip
from app.store.manifest.manifest import IMPORTED, Manifest, ModelSpec, Window, manifests
from app.store.manifest.tables import validate
from app.store.registry.aliases import resolve
from app.store.registry.imported import compute_outputs, cut_windows, load_imported
from app.store.registry.publishing import publish_network
from app.store.registry.weights import sha256
from app.store.storage.store import Store


@dataclass(frozen=True)
class NetworkSource:
    """A network to import.

    Attributes:
        file: Its file, or the folder of a SavedModel.
        name: The name of the model to publish.
        licence: Its licence.
        commercial_use: Whether the licence allows commercial use.
        metadata: Essentia's metadata file.
        tags: A file with its labels, in place of metadata.
        front_end: A preset or a TOML file.
        on: The model with the embedding that is the input of a head.
        input: The name of its input; None: found.
        output: The name of the output with scores; None: found.
        embedding: The name of the tensor with its embedding, if that is used.
        activation: Applied to the output of a network that ends in logits.
        family: The name by which vocabularies refer to its tags; by default the name of the model.
        summary: A sentence about the model.
        url: Where it was released.
        citation: How to cite it.
    """

    file: Path
    name: str
    licence: str
    commercial_use: bool
    metadata: Path | None = None
    tags: Path | None = None
    front_end: str | None = None
    on: str | None = None
    input: str | None = None
    output: str | None = None
    embedding: str | None = None
    activation: Activation = "none"
    family: str = ""
    summary: str = ""
    url: str = ""
    citation: str = ""


@dataclass(frozen=True)
class NetworkInput:
    """The input of a network.

    Attributes:
        front_end: The front end.
        window: The windows; None: as long as the network's own input.
        backbone: For a head, the model with the embedding that is its input.
    """

    front_end: FrontEnd
    window: Window | None
    backbone: Manifest | None = None

    @property
    def shape(self) -> tuple[int, ...] | None:
        """The shape of the input for one window; None: the network's own."""
        if self.backbone and self.backbone.network:
            return (self.backbone.network.embedding,)
        return (self.window.frames, *self.front_end.shape) if self.window else None


def import_network(store: Store, source: NetworkSource) -> Manifest:
    """Convert a network, check its scores of a test clip, and publish it.

    Args:
        store: The model store.
        source: The network.

    Raises:
        SetupError: The network or its description is not valid; the store is unchanged.
    """
    metadata = read_metadata(source.metadata) if source.metadata else None
    labels = metadata.classes if metadata else read_labels(source.tags) if source.tags else ()
    network_input = (
        _head_input(store, source.on, source) if source.on else _own_input(source, metadata)
    )
    network, report = convert(_request(source, metadata, network_input, len(labels)))
    spec = _spec(source, metadata, labels, network_input, report)
    _check(store, spec, network, network_input)
    return publish_network(store, spec, network)


def _head_input(store: Store, name: str, source: NetworkSource) -> NetworkInput:
    """Return the input of a head."""
    if source.front_end:
        raise SetupError(
            "--front-end and --on exclude each other: a head uses the front end of its backbone"
        )
    backbone = resolve(store, manifests(store), name)
    if backbone.network is None or not backbone.network.embedding:
        raise SetupError(
            f"--on: {backbone.ref} has no embedding; a network imported with --embedding NAME has"
        )
    if backbone.backbone:
        raise SetupError(
            f"--on: {backbone.ref} is itself a head, on {backbone.backbone}; expected a model with "
            "a front end"
        )
    return NetworkInput(backbone.front_end, backbone.window, backbone)


def _own_input(source: NetworkSource, metadata: Metadata | None) -> NetworkInput:
    """Return the input of a network with a front end."""
    if source.front_end is None:
        made_for = metadata.inference.embedding_model if metadata else None
        if made_for:
            raise SetupError(
                f"{source.file}: this network is a head on the embedding of {made_for.model_name}; "
                "import that first, and name it with --on"
            )
        raise SetupError(
            f"--front-end is missing: a preset, one of {', '.join(presets())}, or a TOML file; for "
            "a head on another model's embedding pass --on"
        )
    front = read_front_end(source.front_end)
    stated = metadata.inference.sample_rate if metadata else None
    if stated and stated != front.front_end.sample_rate:
        raise SetupError(
            f"{source.metadata}: the network takes {stated:,} Hz, but the front end "
            f"{source.front_end} has {front.front_end.sample_rate:,} Hz"
        )
    return NetworkInput(front.front_end, front.window)


def _request(
    source: NetworkSource, metadata: Metadata | None, network_input: NetworkInput, labels: int
) -> NetworkRequest:
    return NetworkRequest(
        file=source.file,
        window=network_input.shape,
        labels=labels,
        input=source.input,
        output=source.output,
        embedding=source.embedding,
        suggested_input=metadata.input if metadata else None,
        suggested_output=metadata.output(PREDICTIONS) if metadata else None,
        suggested_embedding=metadata.output(EMBEDDINGS) if metadata else None,
        activation=source.activation,
    )


def _spec(
    source: NetworkSource,
    metadata: Metadata | None,
    labels: tuple[str, ...],
    network_input: NetworkInput,
    report: NetworkReport,
) -> ModelSpec:
    kind = find_format(source.file)
    window = network_input.window or Window(frames=report.window[0], hop_frames=report.window[0])
    values = {
        "name": source.name,
        "summary": source.summary or (metadata.description if metadata else ""),
        "architecture": {"name": IMPORTED},
        "network": {
            "format": kind,
            "file_sha256": _digest(network_files(source.file, report.external)),
            "embedding": report.embedding,
            "backbone": str(network_input.backbone.ref) if network_input.backbone else None,
        },
        "front_end": network_input.front_end,
        "window": window.model_dump(),
        "tags": {"family": source.family or source.name, "names": labels},
        "source": {
            "description": f"{kind}, {source.file.name}",
            "url": source.url or (metadata.link if metadata else ""),
            "licence": source.licence,
            "commercial_use": source.commercial_use,
            "citation": source.citation or (metadata.citation if metadata else ""),
        },
    }
    return validate(ModelSpec, values, source.name)


def _digest(files: Sequence[Path]) -> str:
    """Return the SHA-256 of a network's file; of several, that of their SHA-256 in order."""
    digests = []
    for file in files:
        with file.open("rb") as opened:
            digests.append(hashlib.file_digest(opened, "sha256").hexdigest())
    return digests[0] if len(digests) == 1 else sha256("".join(digests).encode())


def _check(
    store: Store, spec: ModelSpec, network: NetworkFiles, network_input: NetworkInput
) -> None:
    """Refuse a network with outputs for a clip that can't be those of a tagger."""
    window_spec = spec.window_spec
    clip = make_clip(window_spec.front.sample_rate, 2 * window_spec.window_samples)
    if window_spec.front.channels > 1:
        clip = np.stack([clip, clip[::-1]], axis=1)
    windows: Windows = cut_windows(spec, clip)
    if network_input.backbone and network_input.backbone.network:
        outputs = compute_outputs(load_imported(store, network_input.backbone).network, windows)
        windows = outputs[:, -network_input.backbone.network.embedding :]
    outputs = compute_outputs(read_network(network, spec.title), windows)
    check_plausible(outputs, len(spec.tags.names), spec.title)
