"""The published weights as they come, and a store that may be spoilt."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from app.errors import WeightsError
from app.store.musicnn_wheel import fetch


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel that holds the published checkpoints."""
    try:
        return fetch(tmp_path_factory.mktemp("wheel"))
    except WeightsError as error:
        pytest.skip(f"the published weights can't be fetched: {error}")


@pytest.fixture
def own_store(store: Path, tmp_path: Path) -> Path:
    """A store of one's own that holds mtt-vgg with its weights."""
    return shutil.copytree(store / "mtt-vgg", tmp_path / "store" / "mtt-vgg").parent


@pytest.fixture
def edit(own_store: Path) -> Callable[[str, str], Path]:
    """Replaces text in the manifest of mtt-vgg."""

    def replace(old: str, new: str) -> Path:
        path = own_store / "mtt-vgg" / "1" / "manifest.toml"
        text = path.read_text()
        assert text.count(old) == 1, f"{old!r} must be there once"
        path.write_text(text.replace(old, new))
        return path

    return replace
