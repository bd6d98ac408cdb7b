"""Installed from a wheel, in an environment of its own, `taggram` works from any folder."""

import re
import subprocess
import sys
import venv
from importlib import metadata
from pathlib import Path
from zipfile import ZipFile

import pytest

from app.settings import Settings
from app.store.manifest.manifest import manifests
from app.store.registry.shipped import publish_shipped
from app.store.storage.store import MANIFEST, Store
from tests.conftest import REPOSITORY


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Taggram's wheel, built from this checkout without a network."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory"]
    subprocess.run([*build, folder], cwd=REPOSITORY, timeout=300, check=True, capture_output=True)
    (built,) = folder.glob("taggram-*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `taggram` of a new environment with that wheel; dependencies are those of this one."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, symlinks=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    theirs = metadata.distribution("numpy").locate_file("")
    # Behind the environment's own packages, and without the editable installation's .pth.
    (packages / "dependencies.pth").write_text(f"{theirs}\n")
    pip = [sys.executable, "-m", "pip", "--python", folder / "bin" / "python", "install"]
    options = ["--quiet", "--no-deps", "--no-index", "--disable-pip-version-check"]
    subprocess.run([*pip, *options, wheel], timeout=300, check=True)
    return folder / "bin" / "taggram"


def run(command: Path, *arguments: str, home: Path) -> subprocess.CompletedProcess[str]:
    """Run it from an empty home, with none of the settings of the test run."""
    environment = {"HOME": str(home), "PATH": "/usr/bin:/bin", "COLUMNS": "200"}
    return subprocess.run(
        [command, *arguments],
        cwd=home,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_the_wheel_holds_manifests_vocabularies_and_the_page_but_no_weights(wheel: Path) -> None:
    names = ZipFile(wheel).namelist()

    for manifest in REPOSITORY.glob("model_store/*/*/manifest.toml"):
        place = manifest.relative_to(REPOSITORY / "model_store")
        assert f"app/shipped_models/{place}" in names
    assert {"app/tagging/vocabularies/subgenres.yaml", "app/web/tag-suggest.js"} <= set(names)
    assert not [name for name in names if name.endswith(".safetensors")]


def test_an_installed_wheel_names_its_version(installed: Path, tmp_path: Path) -> None:
    output = run(installed, "--version", home=tmp_path)

    assert output.returncode == 0, output.stderr
    assert output.stdout == f"taggram {metadata.version('taggram')}\n"


def test_an_installed_wheel_uses_a_store_in_the_users_folder(
    installed: Path, tmp_path: Path
) -> None:
    output = run(installed, "models", "list", home=tmp_path)

    assert output.returncode == 1
    assert re.search(
        r"^taggram: \S+/\.local/share/taggram/model_store: .* run `taggram models pull`",
        output.stderr,
    )


@pytest.mark.thorough  # fetches the weights and converts them
def test_an_installed_wheel_pulls_its_models_and_tags_a_song(
    installed: Path, clip: Path, tmp_path: Path
) -> None:
    pulled = run(installed, "models", "pull", home=tmp_path)
    tagged = run(installed, "tag", str(clip), "--vocabulary", "genres", home=tmp_path)

    assert pulled.returncode == 0, pulled.stderr
    assert tagged.returncode == 0, tagged.stderr
    assert clip.name in tagged.stdout


def test_a_store_without_models_gets_the_shipped_manifests(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")

    published = publish_shipped(store)

    assert sorted(manifests(store)) == sorted({ref.name for ref in published})
    for ref in published:
        ours = (REPOSITORY / "model_store" / str(ref) / MANIFEST).read_bytes()
        assert store.read(f"{ref}/{MANIFEST}") == ours


def test_a_removed_shipped_model_is_not_restored(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    first, *others = publish_shipped(store)
    store.remove(first)

    assert publish_shipped(store) == []
    assert store.refs() == others


def test_a_checkout_uses_its_own_store(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TAGGRAM_MODEL_STORE", raising=False)
    assert Settings(_env_file=None).model_store == str(REPOSITORY / "model_store")


def test_a_package_that_another_distribution_overwrote_is_refused(
    installed: Path, tmp_path: Path
) -> None:
    (ours,) = installed.parent.parent.glob("lib/python*/site-packages/app/__init__.py")
    before = ours.read_bytes()
    ours.unlink()  # it may be a link into a cache
    ours.write_bytes(before + b"# another service\n")

    check = "from app.installation import check_environment; check_environment()"
    output = run(installed.parent / "python", "-c", check, home=tmp_path)

    ours.write_bytes(before)
    assert output.returncode == 1
    assert "app/__init__.py is not the file that taggram installed" in output.stderr
