"""The configuration of a run, saved in its folder: a run is only resumed with the same one."""

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
from app.store.manifest.source import FineTunedFrom
from app.store.manifest.tables import Table, validate
from app.training.recipe.schema import Recipe
from app.yaml_files import read_values

CONFIGURATION = "run.yaml"
CODE = "code.json"
"""The SHA-256 of each source file when the run began: the version number does not change during
development."""

CODE_FIELDS = {"taggram", "code"}
"""Fields that may differ when a run is resumed."""

NAMED = 8
"""The number of changed files that a message names."""


class Configuration(Table):
    """Everything that determines a run; `code` is the SHA-256 of `code.json`."""

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
    initial: FineTunedFrom | None = None


def claim(folder: Path, wanted: Configuration) -> None:
    """Write the configuration of a run, unless the folder has one.

    Raises:
        SetupError: It can't be written.
    """
    path = folder / CONFIGURATION
    if not path.exists():
        write_atomically(folder / CODE, _code())
        text = yaml.safe_dump(wanted.model_dump(mode="json"), sort_keys=False)
        write_atomically(path, text.encode())


def compare(folder: Path, wanted: Configuration) -> str | None:
    """Compare the configuration of a run with the one in its folder.

    Returns:
        A warning if the code has changed since the run began, else None.

    Raises:
        SetupError: The folder has no run, or one with another configuration.
    """
    saved = read_configuration(folder)
    differing = [
        name for name in Configuration.model_fields if getattr(saved, name) != getattr(wanted, name)
    ]
    if others := [name for name in differing if name not in CODE_FIELDS]:
        raise SetupError(
            f"{folder}: it has a run with another {', '.join(others)}; choose a new folder"
        )
    if not differing:
        return None
    changes = _changes(folder / CODE) if "code" in differing else []
    if "taggram" in differing:
        changes.insert(0, f"taggram {saved.taggram} became {wanted.taggram}")
    return (
        f"{folder}: the code has changed since this run began: {'; '.join(changes)}. The run is "
        "resumed with the new code; for a reproducible run, choose a new folder."
    )


def configuration(
    recipe: Recipe,
    split: Split,
    store: AudioStore,
    seed: int,
    initial: FineTunedFrom | None = None,
) -> Configuration:
    """Return the configuration of a run.

    Args:
        recipe: The recipe.
        split: The tracks and their parts.
        store: Their audio.
        seed: Seed of all random draws.
        initial: The model that it starts from, if any.
    """
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
        initial=initial,
    )


def read_configuration(folder: Path) -> Configuration:
    """Return the configuration of a run.

    Raises:
        SetupError: The folder has no run.
    """
    path = folder / CONFIGURATION
    if not path.exists():
        raise SetupError(f"{path}: the file does not exist; is this the folder of a run?")
    values = read_values(path)
    if not isinstance(values, dict):
        raise SetupError(f"{path}: not a mapping as `taggram train` writes it")
    return validate(Configuration, values, str(path))


def _code() -> bytes:
    """Return the SHA-256 of each source file, in the format of `code.json`."""
    root = Path(app.__file__).parent
    digests = {
        path.relative_to(root.parent).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*.py"))
    }
    return json.dumps(digests, indent=1).encode() + b"\n"


def _changes(path: Path) -> list[str]:
    """Return descriptions of the files that differ from those of `code.json`."""
    try:
        before: Mapping[str, str] = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return [f"the changed files are unknown, as {path.name} is missing or damaged"]
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
