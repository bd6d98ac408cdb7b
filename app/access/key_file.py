"""Reads and writes the file of API keys, atomically and with one writer at a time."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from app.access.keys import ApiKey, make_key
from app.errors import SetupError
from app.files import atomic_file
from app.paths import read_file

LARGEST_BYTES = 2**20
"""The largest file of keys that is read; a key takes about 200 bytes."""


class _Keys(BaseModel):
    model_config = ConfigDict(extra="forbid")

    keys: tuple[ApiKey, ...] = ()

    @model_validator(mode="after")
    def _unique(self) -> "_Keys":
        for names in ([key.name for key in self.keys], [key.id for key in self.keys]):
            if len(set(names)) < len(names):
                raise ValueError("two keys have the same name or id")
        return self


def read_keys(path: Path) -> tuple[ApiKey, ...]:
    """Return all keys, including the revoked ones.

    Raises:
        SetupError: The file is missing, unreadable, or not a valid file of keys.
    """
    try:
        return _Keys.model_validate_json(read_file(path, LARGEST_BYTES)).keys
    except FileNotFoundError as error:
        raise SetupError(
            f"{path} does not exist; create it with `taggram keys create NAME`"
        ) from error
    except OSError as error:
        raise SetupError(f"{path} can't be read: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise SetupError(
            f"{path} is not a valid file of keys: {where or 'file'}: {first['msg']}"
        ) from error


def create_key(path: Path, name: str, *, admin: bool) -> str:
    """Create a key, store its hash in the file, and return the key, which is stored nowhere.

    Args:
        path: The file of keys; it is created if it does not exist.
        name: The name of the key.
        admin: Whether the key may also reload the models.

    Raises:
        SetupError: The name is invalid or taken, also by a revoked key; or the file is invalid or
            can't be written.
    """
    try:
        key, stored = make_key(name, admin=admin)
    except ValidationError as error:
        raise SetupError(
            f"{name!r} is not a valid name of a key: use at most 40 of a-z, 0-9, '.', '_' and '-', "
            "beginning with a letter or digit"
        ) from error
    with _locked(path):
        keys = read_keys(path) if path.exists() else ()
        if any(other.name == name for other in keys):
            raise SetupError(f"A key named {name!r} exists already; choose another name")
        _write(path, (*keys, stored))
    return key


def revoke_key(path: Path, name: str) -> None:
    """Revoke a key, with effect from the next request on.

    Raises:
        SetupError: No key has this name, it is revoked already, or the file is invalid or can't be
            written.
    """
    with _locked(path):
        keys = {key.name: key for key in read_keys(path)}
        if name not in keys:
            raise SetupError(f"No key is named {name!r}; list the keys with `taggram keys list`")
        if keys[name].revoked:
            raise SetupError(f"The key {name!r} is revoked already")
        keys[name] = keys[name].model_copy(update={"revoked": datetime.now(UTC)})
        _write(path, tuple(keys.values()))


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold the lock of the file, and turn errors of the disk into a SetupError."""
    try:
        with path.with_name(f"{path.name}.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
    except OSError as error:
        raise SetupError(f"{path} can't be written: {error.strerror}") from error


def _write(path: Path, keys: tuple[ApiKey, ...]) -> None:
    """Replace the file atomically, so that readers see either the old or the new content."""
    text = _Keys(keys=keys).model_dump_json(indent=1) + "\n"
    with atomic_file(path.resolve(), mode=0o600) as file:  # a symbolic link stays in place
        file.write(text.encode())
