"""`taggram models list`: list the versions in a store."""

from collections.abc import Collection
from itertools import chain

from rich.table import Table

from app.cli.console import cell, out, plain_errors
from app.cli.models.shared import all_published
from app.cli.store_option import StoreUrl, open_store
from app.store.manifest.recommender import RecommenderManifest
from app.store.registry.aliases import read_aliases
from app.store.registry.weights import Published, WeightsState, weights_path, weights_state
from app.store.storage.store import Store


def list_(url: StoreUrl = None) -> None:
    """List all versions of models and recommenders, with aliases and the weights' state."""
    table = Table("model", "version", "tags", "weights", "aliases", "licence", "summary")
    with plain_errors():
        store = open_store(url)
        stored = store.paths()
        for manifest in chain.from_iterable(all_published(store).values()):
            table.add_row(
                manifest.name,
                manifest.version,
                str(_count_tags(manifest)),
                _state(store, stored, manifest),
                ", ".join(read_aliases(store, manifest.name).pointing(manifest.version)),
                cell(_licence(manifest)),
                cell(manifest.summary),
            )
    out.print(table)


def _count_tags(manifest: Published) -> int:
    if isinstance(manifest, RecommenderManifest):
        return len(manifest.tags)
    return len(manifest.tags.names)


def _licence(manifest: Published) -> str:
    """Return the licence; a recommender is the operator's own."""
    return "" if isinstance(manifest, RecommenderManifest) else manifest.source.licence


def _state(store: Store, stored: Collection[str], manifest: Published) -> str:
    """Return the state of weights; those of a remote store are not downloaded to check them."""
    if store.folder:
        return weights_state(store, manifest)
    return "stored" if weights_path(manifest) in stored else WeightsState.MISSING
