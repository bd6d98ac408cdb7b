"""Stores with a model that tags tracks, and recommenders that take its tags."""

import shutil
from pathlib import Path

from app.store.manifest.manifest import manifests
from app.store.manifest.recommender import RecommenderManifest, Vectors
from app.store.storage.store import Store
from testing.made_recommender import SUBGENRES, publish_made

MODEL = "msd-musicnn"


def store_with_model(published: Path, folder: Path) -> Store:
    """Make a store with `MODEL`.

    Args:
        published: The store with its weights.
        folder: The folder for the new one.
    """
    shutil.copytree(published / MODEL, folder / "models" / MODEL)
    return Store(folder / "models")


def publish_raw(
    store: Store, name: str = "curators", subgenres: tuple[str, ...] = SUBGENRES
) -> RecommenderManifest:
    """Publish a made recommender that takes the raw tags of `MODEL`."""
    [model] = manifests(store)[MODEL]
    vectors = Vectors(models=(str(model.ref),))
    return publish_made(store, name, model.tags.names, vectors, subgenres=subgenres)
