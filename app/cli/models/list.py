"""`taggram models list`: list the versions in a store."""

from collections.abc import Collection

from rich.table import Table

from app.cli.console import cell, out, plain_errors
from app.cli.models.shared import list_published
from app.cli.store_option import StoreUrl, open_store
from app.store.manifest.manifest import Manifest
from app.store.registry.aliases import read_aliases
from app.store.registry.weights import WeightsState, weights_path, weights_state
from app.store.storage.store import Store


def list_(url: StoreUrl = None) -> None:
    """List all versions of the published models, with their aliases and the weights' state."""
    table = Table("model", "version", "tags", "weights", "aliases", "licence", "summary")
    with plain_errors():
        store = open_store(url)
        stored = store.paths()
        for manifest in list_published(store):
            table.add_row(
                manifest.name,
                manifest.version,
                str(len(manifest.tags.names)),
                _state(store, stored, manifest),
                ", ".join(read_aliases(store, manifest.name).pointing(manifest.version)),
                cell(manifest.source.licence),
                cell(manifest.summary),
            )
    out.print(table)


def _state(store: Store, stored: Collection[str], manifest: Manifest) -> str:
    """Return the state of weights; those of a remote store are not downloaded to check them."""
    if store.folder:
        return weights_state(store, manifest)
    return "stored" if weights_path(manifest) in stored else WeightsState.MISSING
