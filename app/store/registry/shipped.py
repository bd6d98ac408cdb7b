"""Publishes the manifests that ship with Taggram; `taggram models pull` adds their weights."""

from app.domain import ModelRef
from app.installation import default_store, shipped_models
from app.store.storage.store import MANIFEST, Store


def publish_shipped(store: Store) -> list[ModelRef]:
    """Publish the shipped manifests in a store without models.

    Returns:
        The published versions. A store with models is left alone, as the operator may have removed
        one of these.

    Raises:
        SetupError: The store can't be read or written.
    """
    if store.folder == default_store():
        store.folder.parent.mkdir(parents=True, exist_ok=True)
    with store.locked():
        if store.refs():
            return []
        shipped = Store(shipped_models())
        refs = shipped.refs()
        for ref in refs:
            store.publish(ref, {MANIFEST: shipped.read(f"{ref}/{MANIFEST}") or b""})
        return refs
