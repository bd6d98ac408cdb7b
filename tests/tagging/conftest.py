"""The published models, and the built-in vocabularies on their tags."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from app.store.manifest.manifest import Manifest, read_store
from app.store.storage.store import Store
from app.tagging.vocabulary import Vocabulary
from app.tagging.vocabulary_file import read_vocabularies


@pytest.fixture(scope="session")
def published(store: Path) -> dict[str, Manifest]:
    """By name."""
    return read_store(Store(store))


@pytest.fixture(scope="session")
def vocabularies(published: Mapping[str, Manifest]) -> dict[str, Vocabulary]:
    """By name."""
    families = {model.tags.family: model.tags.names for model in published.values()}
    return read_vocabularies((), families)
