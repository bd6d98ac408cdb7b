"""What a run is determined by: kept in its folder, so that none goes on as another one."""

import hashlib
import json
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

import yaml

import app
from app.datasets.audio.audio_store import AudioStore
from app.datasets.tracks import Split
from app.errors import SetupError
from app.files import write_atomically
from app.store.manifest.tables import Table, validate
from app.training.recipe.schema import Recipe
from app.yaml_files import read_values

CONFIGURATION = "run.yaml"
CODE = "code.json"
"""SHA-256 of each file of our source as a run began: a release's number does not say while one
works on it."""

CODE_FIELDS = {"taggram", "code"}
"""What may differ when a run is resumed."""

NAMED = 8
"""At most so many changed files are named in a line."""


class Configuration(Table):
    """What a run is determined by; `code` is the SHA-256 of `code.json`."""

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
        write_atomically(folder / CODE, _code())
        text = yaml.safe_dump(wanted.model_dump(mode="json"), sort_keys=False)
        write_atomically(path, text.encode())


def compare(folder: Path, wanted: Configuration) -> str | None:
    """Hold what a run is to be against what is in its folder.

    Returns:
        How the code differs from that with which the run began, as a warning; none where it does
        not.

    Raises:
        SetupError: No run is in the folder, or another one.
    """
    there = read_configuration(folder)
    differing = [
        name for name in Configuration.model_fields if getattr(there, name) != getattr(wanted, name)
    ]
    if others := [name for name in differing if name not in CODE_FIELDS]:
        raise SetupError(
            f"{folder}: a run with another {', '.join(others)} is here; choose a new folder"
        )
    if not differing:
        return None
    changes = _changes(folder / CODE) if "code" in differing else []
    if "taggram" in differing:
        changes.insert(0, f"taggram {there.taggram} became {wanted.taggram}")
    return (
        f"{folder}: the code has changed since this run began: {'; '.join(changes)}. The run is "
        "resumed with the new code; a run that can be repeated needs a new folder."
    )


def configuration(recipe: Recipe, split: Split, store: AudioStore, seed: int) -> Configuration:
    """What a run is determined by."""
    return Configuration(
        recipe=recipe,
        seed=seed,
        taggram=version("taggram"),
        code=hashlib.sha256(_code()).hexdigest(),
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
    return validate(Configuration, values, str(path))


def _code() -> bytes:
    """SHA-256 of each file of our source, as `code.json` has it."""
    root = Path(app.__file__).parent
    digests = {
        path.relative_to(root.parent).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*.py"))
    }
    return json.dumps(digests, indent=1).encode() + b"\n"


def _changes(path: Path) -> list[str]:
    """Name the files that differ from those of `code.json`."""
    try:
        before: Mapping[str, str] = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return [f"which files is not known, as {path.name} is missing or damaged"]
    now: Mapping[str, str] = json.loads(_code())
    kinds = {
        "changed": [name for name in now if before.get(name, now[name]) != now[name]],
        "added": [name for name in now if name not in before],
        "removed": [name for name in before if name not in now],
    }
    return [f"{kind} {_listed(names)}" for kind, names in kinds.items() if names]


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more
