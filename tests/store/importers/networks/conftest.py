"""An empty store, and networks that are converted in this process."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.store.storage.store import Store
from tests.support import network_imports


@pytest.fixture(scope="module", autouse=True)
def converting() -> Iterator[None]:
    with network_imports.converting_here():
        yield


@pytest.fixture
def empty(tmp_path: Path) -> Store:
    """An empty store."""
    (tmp_path / "store").mkdir()
    return Store(tmp_path / "store")
