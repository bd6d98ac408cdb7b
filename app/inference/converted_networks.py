"""The converted networks of models: from the cache, or from Keras."""

from typing import TYPE_CHECKING

from app.inference.conversion_cache import make_key, read_entry, write_entry
from app.networks.running import to_files
from app.store.manifest.manifest import Manifest
from app.store.registry.imported import ImportedModel, unpack_imported

if TYPE_CHECKING:  # imports TensorFlow, which takes seconds
    from app.store.registry.loading import TrackModel


def network_key(manifest: Manifest, *, exact: bool, embedding: bool = False) -> str:
    """Return the key of a model's folded and converted network.

    The precision is not part of it: a network is rounded or quantised after it is read.

    Args:
        manifest: The manifest of the model.
        exact: Whether the network has the filters that the manifest calls negligible.
        embedding: Whether its outputs end in the embedding.
    """
    negligible = manifest.folding.filters if manifest.folding and not exact else {}
    return make_key(
        kind="network",
        weights=manifest.weights.sha256,
        architecture=manifest.architecture.model_dump(),
        tags=len(manifest.tags.names),
        windows=manifest.window_spec,
        negligible=negligible,
        embedding=embedding,
    )


def read_converted(
    manifest: Manifest, *, exact: bool, embedding: bool = False
) -> ImportedModel | None:
    """Return a model with its network from the cache; None if it is not there.

    Args:
        manifest: The manifest of the model, whose weights were compared with it.
        exact: Whether the network has the filters that the manifest calls negligible.
        embedding: Whether its outputs end in the embedding.
    """
    key = network_key(manifest, exact=exact, embedding=embedding)
    content = read_entry(str(manifest.ref), key)
    return None if content is None else unpack_imported(manifest, content)


def convert_and_cache(model: "TrackModel") -> ImportedModel:
    """Convert the network of a model, and write it to the cache."""
    from app.inference.keras_conversion import convert

    network = convert(model.network)
    key = network_key(model.manifest, exact=model.exact, embedding=bool(model.embedding))
    write_entry(str(model.manifest.ref), key, to_files(network).pack())
    return ImportedModel(model.manifest, network)
