"""The models that Taggram ships: it brings their manifests; `taggram models pull` adds weights."""

from app.domain import ModelRef
from app.installation import default_store, shipped_models
from app.store.storage.store import MANIFEST, Store


def publish_shipped(store: Store) -> list[ModelRef]:
    """Publish the shipped manifests in a store that has no model yet.

    Returns:
        What was published: nothing where the store has models already, as an operator may have
        removed one of these.

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
