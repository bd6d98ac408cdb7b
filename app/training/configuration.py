"""What a run is determined by: kept in its folder, so that none goes on as another one."""

import hashlib
from importlib.metadata import version
from pathlib import Path

import yaml

import app
from app.errors import SetupError
from app.store.tables import Table, checked
from app.training.audio_store import AudioStore
from app.training.files import write_whole
from app.training.recipe import Recipe
from app.training.tracks import Split
from app.yaml_files import read_values

CONFIGURATION = "run.yaml"


class Configuration(Table):
    """What a run is determined by."""

    recipe: Recipe
    seed: int
    taggram: str
    code: str
    task: str
    tags: tuple[str, ...]
    split: str
    split_fingerprint: str
    audio_fingerprint: str
    sample_rate: int


def claim(folder: Path, wanted: Configuration) -> None:
    """Write what a run is determined by, unless a run is there.

    Raises:
        SetupError: It can't be written.
    """
    path = folder / CONFIGURATION
    if not path.exists():
        text = yaml.safe_dump(wanted.model_dump(mode="json"), sort_keys=False)
        write_whole(path, text.encode())


def compare(folder: Path, wanted: Configuration) -> None:
    """Hold what a run is to be against what is in its folder.

    Raises:
        SetupError: No run is in the folder, or another one.
    """
    there = read_configuration(folder)
    differing = [
        name for name in Configuration.model_fields if getattr(there, name) != getattr(wanted, name)
    ]
    if differing:
        raise SetupError(
            f"{folder}: a run with another {', '.join(differing)} is here; choose a new folder"
        )


def configuration(recipe: Recipe, split: Split, store: AudioStore, seed: int) -> Configuration:
    """What a run is determined by."""
    return Configuration(
        recipe=recipe,
        seed=seed,
        taggram=version("taggram"),
        code=_code(),
        task=split.task,
        tags=split.tags,
        split=split.name,
        split_fingerprint=split.fingerprint,
        audio_fingerprint=store.fingerprint,
        sample_rate=store.sample_rate,
    )


def read_configuration(folder: Path) -> Configuration:
    """What a run was determined by.

    Raises:
        SetupError: The folder holds no run.
    """
    path = folder / CONFIGURATION
    if not path.exists():
        raise SetupError(f"{path}: there is no such file; is this a run?")
    values = read_values(path)
    if not isinstance(values, dict):
        raise SetupError(f"{path}: a mapping is needed, as `taggram train` writes it")
    return checked(Configuration, values, str(path))


def _code() -> str:
    """SHA-256 of our own source: what a release's number does not tell while one works on it."""
    root = Path(app.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        digest.update(path.relative_to(root).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()
