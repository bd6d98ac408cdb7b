"""The published weights as they come, a store that may be spoilt, and stores of every kind."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.errors import WeightsError
from app.store.importers.musicnn_wheel import fetch
from app.store.registry.packaging import ModelPackage, package_model
from app.store.storage.store import Store
from tests.support import tiny
from tests.support.s3_server import Requests, new_bucket, s3_server


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel that holds the published checkpoints."""
    try:
        return fetch(tmp_path_factory.mktemp("wheel"))
    except WeightsError as error:
        pytest.skip(f"the published weights can't be fetched: {error}")


@pytest.fixture
def own_store(store: Path, tmp_path: Path) -> Path:
    """A separate store that holds mtt-vgg with its weights."""
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


@pytest.fixture(scope="session")
def package() -> ModelPackage:
    """A tiny model, ready to be published, without a version."""
    return package_model(tiny.spec(), tiny.weights())


@pytest.fixture
def prepared_folder(package: ModelPackage, tmp_path: Path) -> Store:
    """The same in a folder."""
    return tiny.write(package, tmp_path / "prepared")


@pytest.fixture(scope="package")
def s3() -> Iterator[Requests]:
    """A real S3 server on this machine, which s3:// means meanwhile."""
    with s3_server() as requests:
        yield requests


@pytest.fixture(autouse=True)
def caches(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The empty folder of this user's caches, as on a new machine."""
    folder = tmp_path_factory.mktemp("caches")
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
    return folder


@pytest.fixture(
    params=[
        "folder",
        pytest.param("s3", marks=pytest.mark.thorough),
        pytest.param("other folders", marks=pytest.mark.thorough),
    ]
)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> tiny.Place:
    """An empty store: a folder, an S3 bucket, and folders that fsspec sees as it does FTP's."""
    if request.param == "s3":
        return bucket(request)
    folder = tmp_path / "store"
    folder.mkdir()
    url = folder if request.param == "folder" else f"local://{folder}"
    return tiny.Place(Store(url), lambda: tiny.folder_content(folder))


@pytest.fixture
def unchecked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Skip the check of scores in tests of other things that publish many models."""
    for check in ("check_file", "verify"):
        monkeypatch.setattr(f"app.store.registry.publishing.{check}", lambda *_: None)


def bucket(request: pytest.FixtureRequest) -> tiny.Place:
    """An empty bucket."""
    request.getfixturevalue("s3")
    import fsspec

    system, name = fsspec.filesystem("s3", use_listings_cache=False), new_bucket()
    root = f"{name}/models"

    def content() -> tiny.Content:
        found = system.find(name)
        return {path.removeprefix(f"{root}/"): system.cat_file(path) for path in found}

    return tiny.Place(Store(f"s3://{root}"), content)
