"""`taggram models` as an operator runs it."""

import json
import re
import shutil
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from click.testing import Result

from app.model_catalog import read_catalog
from app.settings import Settings
from app.store.registry.packaging import ModelPackage, package_model
from app.store.registry.publishing import publish_folder
from app.store.storage.store import Store
from tests.cli.conftest import Taggram
from tests.support import tiny
from tests.support.s3_server import new_bucket, s3_server
from tests.support.torch_files import save


@pytest.fixture(scope="module")
def package() -> ModelPackage:
    return package_model(tiny.spec(summary="[bold]A model[/] :guitar:"), tiny.weights())


@pytest.fixture(scope="module")
def published(package: ModelPackage, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with three versions."""
    place = tmp_path_factory.mktemp("published")
    folder = tiny.write(package, place / "prepared")
    for _ in range(3):
        publish_folder(Store(place / "store"), folder)
    return place / "store"


@pytest.fixture
def folder(package: ModelPackage, tmp_path: Path) -> Path:
    """A prepared folder."""
    return tiny.write(package, tmp_path / "prepared").folder


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """An empty store."""
    (tmp_path / "store").mkdir()
    return tmp_path / "store"


@pytest.fixture
def models(place: Path, taggram: Taggram) -> Taggram:
    """Runs a subcommand on the store."""
    return partial(taggram, "models", TAGGRAM_MODEL_STORE=str(place))


@pytest.fixture
def three(published: Path, place: Path) -> None:
    """Three versions in the store."""
    shutil.copytree(published, place, dirs_exist_ok=True)


def output_of(result: Result) -> str:
    assert result.exit_code == 0, result.output
    return result.stdout


def refused(result: Result, place: Path, before: tiny.Content) -> str:
    """The one line that a command ended with; the store is as it was."""
    assert result.exit_code == 1, result.output
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert tiny.folder_content(place) == before
    return line.removeprefix("taggram: ")


def rows(result: Result) -> list[list[str]]:
    cells = [re.split(r"\s*│\s*", line)[1:-1] for line in output_of(result).splitlines()]
    return [row for row in cells if row]


def test_a_folder_is_published_then_listed_promoted_rolled_back_and_removed(
    models: Taggram, folder: Path, place: Path
):
    first = models("publish", folder)
    assert output_of(first) == f"tiny/1 is published in {place}.\n"
    assert "`taggram models promote tiny 1`" in first.stderr
    assert output_of(models("publish", folder)) == f"tiny/2 is published in {place}.\n"
    assert output_of(models("promote", "tiny", "1")) == "tiny/1 is in production.\n"
    assert output_of(models("promote", "tiny", "2")) == "tiny/2 is in production.\n"
    assert (
        output_of(models("promote", "tiny", "1", "--alias", "staging")) == "tiny/1 is in staging.\n"
    )

    assert rows(models("list")) == [
        ["tiny", "1", "3", "ready", "staging", "MIT", "[bold]A model[/] :guitar:"],
        ["tiny", "2", "3", "ready", "production", "MIT", "[bold]A model[/] :guitar:"],
    ]

    assert output_of(models("rollback", "tiny")) == "tiny/1 is in production.\n"
    assert output_of(models("remove", "tiny", "2", "--yes")) == "tiny/2 is removed.\n"
    assert [row[:2] for row in rows(models("list"))] == [["tiny", "1"]]


@pytest.mark.usefixtures("three")
def test_verify_lists_valid_and_invalid_models(models: Taggram, place: Path):
    weights = place / "tiny" / "2" / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])

    result = models("verify")

    assert result.exit_code == 1
    assert result.stdout == "tiny/1: as published\ntiny/3: as published\n"
    assert "tiny/2/weights.safetensors: the SHA-256 of the weights is not" in result.stderr
    assert output_of(models("verify", "tiny/1")) == "tiny/1: as published\n"
    assert output_of(models("verify", "tiny")) == "tiny/3: as published\n"
    assert models("verify", "tiny/2").exit_code == 1
    assert [row[3] for row in rows(models("list"))] == ["ready", "altered", "ready"]


@pytest.mark.usefixtures("three")
def test_a_card_is_printed_as_markdown(models: Taggram):
    card = output_of(models("card", "tiny/2"))

    assert card.startswith("# tiny/2\n\n\\[bold\\]A model\\[/\\] \\:guitar:\n\n## Model\n\n")
    assert output_of(models("card", "tiny")).startswith("# tiny/3\n")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["promote", "tiny", "4"], "'tiny/4' is not published in"),
        (["promote", "tinny", "1"], "'tinny/1' is not published in"),
        (["promote", "tiny", "1", "--alias", "1"], "'1' can't name an alias"),
        (["rollback", "tiny"], "tiny has no version in production"),
        (["rollback", "tinny"], "'tinny' is not published in"),
        (["remove", "tiny", "4", "--yes"], "'tiny/4' is not published in"),
        (["remove", "tiny", "", "--yes"], "'tiny/' is not published in"),
        (["card", "tiny/4"], "'tiny/4' is not published in"),
        (["verify", "tinny"], "'tinny' is not published in"),
        (["publish", "nowhere"], "nowhere/manifest.toml: there is no such file"),
        (["publish", "sthree://a/b"], "URLs with sthree:// are not supported"),
        (["list", "--store", "sthree://a/b"], "URLs with sthree:// are not supported"),
        (["list", "--store", ""], "the model store is empty"),
        (["pull", "--store", "memory://a"], "weights can only be pulled into a folder"),
        (["list", "--store", "empty"], "TAGGRAM_MODEL_STORE"),
    ],
)
@pytest.mark.usefixtures("three")
def test_an_impossible_command_ends_with_one_line(
    arguments: list[str], words: str, models: Taggram, place: Path
):
    before = tiny.folder_content(place)

    assert words in refused(models(*arguments), place, before)


@pytest.mark.usefixtures("three")
def test_a_served_version_is_not_removed(models: Taggram, place: Path):
    models("promote", "tiny", "1")
    before = tiny.folder_content(place)

    line = refused(models("remove", "tiny", "1", "--yes"), place, before)

    assert line.startswith("tiny/1 is in production; promote another version first")


@pytest.mark.usefixtures("three")
def test_removing_asks_first(models: Taggram, place: Path):
    before = tiny.folder_content(place)

    declined = models("remove", "tiny", "2", answer="n\n")
    assert declined.exit_code == 1
    assert f"Delete tiny/2 from {place} permanently? [y/N]" in declined.stderr
    assert models("remove", "tiny", "2", answer="").exit_code == 1
    assert tiny.folder_content(place) == before

    assert output_of(models("remove", "tiny", "2", answer="y\n")).endswith("tiny/2 is removed.\n")
    assert not (place / "tiny" / "2").exists()


@pytest.mark.usefixtures("three")
def test_weights_that_cannot_be_pulled_are_named(models: Taggram, place: Path):
    weights = place / "tiny" / "1" / "weights.safetensors"
    inode = weights.stat().st_ino
    assert output_of(models("pull")) == "0 pulled, all weights are in place.\n"
    assert weights.stat().st_ino == inode
    weights.unlink()

    result = models("pull")

    assert output_of(result) == "0 pulled, the other weights are in place.\n"
    assert result.stderr.startswith(
        "tiny/1: the weights are missing or altered; restore them from a"
    )
    assert [row[3] for row in rows(models("list"))] == ["missing", "ready", "ready"]


def test_a_model_goes_to_an_object_store_and_is_served_from_there(
    models: Taggram, folder: Path, place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    with s3_server():
        url = f"s3://{new_bucket()}/models"
        remote = ("--store", url)
        models("publish", folder)

        published = output_of(models("publish", place / "tiny" / "1", *remote))

        assert published == f"tiny/1 is published in {url}.\n"
        assert output_of(models("promote", "tiny", "1", *remote)) == "tiny/1 is in production.\n"
        assert rows(models("list", *remote))[0][:5] == ["tiny", "1", "3", "stored", "production"]
        assert output_of(models("verify", *remote)) == "tiny/1: as published\n"
        assert output_of(models("card", "tiny", *remote)) == output_of(models("card", "tiny"))
        served = read_catalog(Settings(_env_file=None, model_store=url, models=["tiny"])).models
        assert [str(model.ref) for model in served] == ["tiny/1"]


def test_a_checkpoint_is_imported(models: Taggram, place: Path, tmp_path: Path):
    tags, checkpoint = tmp_path / "tags.txt", tmp_path / "model.pth"
    tags.write_text("one\ntwo\n")
    shapes = {
        "layer{}.conv.weight": (1, 1, 3, 3),
        "layer{}.conv.bias": (1,),
        **{f"layer{{}}.bn.{part}": (1,) for part in ("weight", "bias")},
        **{f"layer{{}}.bn.running_{part}": (1,) for part in ("mean", "var")},
    }
    state = {
        key.format(layer): np.ones(shape, np.float32)
        for layer in range(1, 6)
        for key, shape in shapes.items()
    }
    norm = {f"spec_bn.{part}": np.ones(1, np.float32) for part in ("weight", "bias")}
    norm |= {f"spec_bn.running_{part}": np.ones(1, np.float32) for part in ("mean", "var")}
    dense = {"dense.weight": np.ones((2, 1), np.float32), "dense.bias": np.zeros(2, np.float32)}
    save(state | norm | dense, checkpoint)
    command = ["import-torch", checkpoint, "--name", "small", "--architecture", "fcn"]
    small = ["--arguments", json.dumps({"channels": [1] * 5})]
    before = tiny.folder_content(place)

    for arguments, words in (
        ([*small, "--tags", tmp_path / "none.txt"], "none.txt: the tags can't be read"),
        (["--arguments", "[1]", "--tags", tags], "--arguments: not a JSON object"),
        (["--arguments", "{", "--tags", tags], "--arguments: '{' is not valid JSON"),
        (["--tags", tags], "expected (64, 1, 3, 3)"),
        ([*small, "--tags", tags, "--roc-auc", "0.9"], "evaluation.dataset: "),
    ):
        assert words in refused(models(*command, *arguments), place, before)

    known = ["--licence", "MIT", "--url", "https://example.org/small", "--summary", "Small."]
    known += ["--dataset", "Ours", "--roc-auc", "0.9", "--pr-auc", "0.4", "--citation", "Me."]
    imported = models(*command, *small, "--tags", tags, "--family", "two", *known)

    assert output_of(imported) == f"small/1 is published in {place}.\n"
    card = output_of(models("card", "small"))
    for words in ("Family: two", "Licence: MIT", "<https://example.org/small>", "PR-AUC: 0.4000"):
        assert words in card
