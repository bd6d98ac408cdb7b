"""`taggram models available | pull NAME` as an operator runs it."""

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from app.cli import console
from app.cli.models.commands import models_app
from app.models import architectures
from app.store.importers import available_models
from app.store.manifest.manifest import Manifest, manifests
from app.store.registry.packaging import ModelPackage, package_model
from app.store.registry.verification import verify
from app.store.storage.store import Store
from tests.support import tiny
from tests.support.file_server import file_server
from tests.support.torch_files import save

PATH = "tiny/fcn/best_model.pth"
BASE = "https://127.0.0.1:1/models"
PARTS = {"kernel": "weight", "gamma": "weight", "beta": "bias", "bias": "bias"}
PARTS |= {"moving_mean": "running_mean", "moving_variance": "running_var"}

Models = Callable[..., Result]


@pytest.fixture(scope="module")
def mirror(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds the checkpoint of the tiny model."""
    modules = {ours: theirs for theirs, ours in architectures()["fcn"].torch_layers.items()}
    state = {}
    for path, array in tiny.weights().items():
        layer, part = path.split("/")
        state[f"{modules[layer]}.{PARTS[part]}"] = array.T if part == "kernel" else array
    folder = tmp_path_factory.mktemp("mirror")
    save(state, folder / PATH)
    return folder


@pytest.fixture(scope="module")
def package(mirror: Path) -> ModelPackage:
    """The manifest of the tiny model, with its checkpoint."""
    data = (mirror / PATH).read_bytes()
    checkpoint = {"size": len(data), "sha256": sha256(data).hexdigest()}
    source = {
        "description": "Made up.",
        "url": "",
        "licence": "MIT",
        "citation": "",
        "trained_on": "three songs",
        "data_terms": "non-commercial use only",
        "checkpoint": {**checkpoint, "base": BASE, "path": PATH},
    }
    return package_model(tiny.spec(source=source), tiny.weights())


@pytest.fixture
def manifest(package: ModelPackage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same as the only one that ships with the code."""
    path = tmp_path / "available" / "tiny.toml"
    path.parent.mkdir()
    path.write_text(package.text)
    monkeypatch.setattr(available_models, "FOLDER", path.parent)
    return path


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def models(manifest: Path, place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Models:
    """Runs a subcommand on a store that is not there yet."""
    monkeypatch.setenv("TAGGRAM_MODEL_STORE", str(place))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    monkeypatch.setattr(console.out, "width", 120)

    def run(*arguments: str | Path, **named: object) -> Result:
        return CliRunner().invoke(models_app, [str(each) for each in arguments], **named)

    return run


def published(place: Path) -> Manifest:
    """The one version that is published."""
    ((manifest,),) = manifests(Store(place)).values()
    return manifest


def refused(result: Result, place: Path) -> str:
    """The last line of a command that failed; nothing is in the store."""
    assert result.exit_code == 1, result.output
    assert "published" not in result.stdout
    assert not place.exists() or tiny.folder_content(place) == {}
    last = result.stderr.splitlines()[-1]
    return last[last.index("taggram: ") + 9 :]


def test_a_model_is_listed_pulled_under_its_terms_and_served(
    models: Models, mirror: Path, place: Path
):
    before = models("available")
    assert before.exit_code == 0
    for words in ("tiny", "fcn", "three songs", "MIT", "three songs: non-commercial use only."):
        assert words in before.stdout
    assert "version 1" not in before.stdout

    pulled = models("pull", "tiny", "--mirror", mirror, input="y\n")

    assert pulled.exit_code == 0, pulled.output
    assert pulled.stdout.endswith(f"tiny/1 is published in {place}.\n")
    terms = "trained on three songs: non-commercial use only."
    line = f"tiny: 0.0 MB from {mirror}; licence: MIT; {terms}"
    assert pulled.stderr.splitlines()[0] == line
    manifest = published(place)
    assert manifest.source.checkpoint.path == PATH
    verify(Store(place), manifest)
    assert "version 1" in models("available").stdout
    assert (
        "Training data: three songs; its terms: non-commercial use only"
        in models("card", "tiny").stdout
    )


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ("n\n", "nothing was pulled"),
        ("", "nothing was pulled; without a terminal, use `--yes` to agree to the terms"),
    ],
)
def test_without_consent_nothing_is_pulled(
    answer: str, message: str, models: Models, mirror: Path, place: Path
):
    assert refused(models("pull", "tiny", "--mirror", mirror, input=answer), place) == message


def test_a_model_already_in_the_store_is_not_downloaded(models: Models, mirror: Path, place: Path):
    models("pull", "tiny", "--mirror", mirror, "--yes")
    before = tiny.folder_content(place)

    again = models("pull", "tiny", "tiny", "--mirror", "/nowhere")

    assert again.exit_code == 0, again.output
    assert again.stdout == f"tiny/1 is in {place} already.\n"
    assert again.stderr == ""
    assert tiny.folder_content(place) == before


def test_lost_or_altered_weights_are_downloaded_again(models: Models, mirror: Path, place: Path):
    models("pull", "tiny", "--mirror", mirror, "--yes")
    before = tiny.folder_content(place)
    weights = place / "tiny" / "1" / "weights.safetensors"
    for spoil in (weights.unlink, lambda: weights.write_bytes(b"altered")):
        spoil()
        assert "run `taggram models pull tiny`" in models("pull").stderr
        assert "run `taggram models pull tiny`" in models("verify").stderr
        assert "version 1" not in models("available").stdout

        assert models("pull", "tiny", "--mirror", mirror, "--yes").exit_code == 0

        assert tiny.folder_content(place) == before


def test_another_model_of_the_same_name_is_kept(
    models: Models, mirror: Path, place: Path, manifest: Path, tmp_path: Path
):
    place.mkdir()
    own = package_model(tiny.spec(summary="Ours."), tiny.weights(1))
    models("publish", tiny.write(own, tmp_path / "own").folder)

    pulled = models("pull", "tiny", "--mirror", mirror, "--yes")

    assert pulled.stdout.endswith(f"tiny/2 is published in {place}.\n"), pulled.output
    assert [each.summary for each in manifests(Store(place))["tiny"]] == [
        "Ours.",
        "A model for tests.",
    ]


def test_a_model_is_pulled_into_a_store_behind_a_url(models: Models, mirror: Path, place: Path):
    place.mkdir()
    url = f"local://{place}"

    pulled = models("pull", "tiny", "--mirror", mirror, "--yes", "--store", url)

    assert pulled.stdout.endswith(f"tiny/1 is published in {url}.\n"), pulled.output
    verify(Store(url), published(place))


def test_a_broken_download_is_resumed_and_leaves_nothing_behind(
    models: Models, mirror: Path, place: Path, tmp_path: Path
):
    data = (mirror / PATH).read_bytes()
    with file_server() as server:
        server.files[f"/{PATH}"], server.cut = data, len(data) // 2
        broken = models("pull", "tiny", "--mirror", server.url, "--yes")
        assert refused(broken, place).endswith("run the command again to resume")
        server.cut = None

        assert models("pull", "tiny", "--mirror", server.url, "--yes").exit_code == 0

        assert server.requests[-1] == (f"/{PATH}", f"bytes={len(data) // 2}-")
    assert list((tmp_path / "caches" / "taggram").iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["none", "--yes"],
            "'none' is not a model that can be pulled by name; expected one of tiny",
        ),
        (["tiny", "--yes"], f"{BASE}/{PATH} can't be reached: "),
        (
            ["tiny", "--yes", "--mirror", "/nowhere"],
            f"/nowhere/{PATH}: can't be read: No such file",
        ),
        (
            ["--mirror", "/nowhere"],
            "--mirror needs the names of models; `taggram models available` lists them",
        ),
    ],
)
def test_a_failed_pull_ends_with_one_line(
    arguments: list[str], message: str, models: Models, place: Path
):
    assert refused(models("pull", *arguments), place).startswith(message)


def golden_of_another(text: str) -> str:
    head, _, scores = text.partition("mean_scores = [")
    return f"{head}mean_scores = [{scores.replace('0.', '0.9', 1)}"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda text: text.replace(sha256_of(text), "0" * 64),
            "the converted weights have SHA-256",
        ),
        (golden_of_another, "from the published ones"),
        (lambda text: text.replace('"three"', '"three", "four"'), "write one for each tag"),
    ],
)
def test_weights_that_differ_from_the_manifest_are_refused(
    change: Callable[[str], str],
    message: str,
    models: Models,
    mirror: Path,
    place: Path,
    manifest: Path,
):
    changed = change(manifest.read_text())
    assert changed != manifest.read_text()
    manifest.write_text(changed)

    assert message in refused(models("pull", "tiny", "--mirror", mirror, "--yes"), place)


def sha256_of(text: str) -> str:
    """The weights' in a manifest."""
    return text.partition("[weights]")[2].partition('sha256 = "')[2][:64]


def test_hostile_checkpoints_are_refused_even_with_the_pinned_hash(
    models: Models, place: Path, manifest: Path, mirror: Path, tmp_path: Path
):
    hostile = b"cos\nmkdir\n(X\x03\x00\x00\x00badtR."
    (tmp_path / PATH).parent.mkdir(parents=True)
    (tmp_path / PATH).write_bytes(hostile)
    digest = sha256((mirror / PATH).read_bytes()).hexdigest()
    manifest.write_text(manifest.read_text().replace(digest, sha256(hostile).hexdigest()))

    result = models("pull", "tiny", "--mirror", tmp_path, "--yes")

    assert "contains more than tensors, possibly code ('os mkdir')" in refused(result, place)
