"""The file of API keys: read whole, written whole, by one writer at a time."""

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from app.access.keys import ApiKey, make_key
from app.errors import SetupError
from app.paths import read_file

LARGEST_BYTES = 2**20
"""Of a file of keys, which has some 200 bytes a key."""


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
    """All keys, the revoked ones too.

    Raises:
        SetupError: The file is missing, unreadable, or no file of keys.
    """
    try:
        return _Keys.model_validate_json(read_file(path, LARGEST_BYTES)).keys
    except FileNotFoundError as error:
        raise SetupError(f"{path} is missing; `taggram keys create NAME` makes it") from error
    except OSError as error:
        raise SetupError(f"{path} can't be read: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise SetupError(f"{path} is no file of keys: {where or 'all'}: {first['msg']}") from error


def create_key(path: Path, name: str, *, admin: bool) -> str:
    """Make a key, keep its hash in the file, and give the key, which is nowhere else.

    Raises:
        SetupError: The name is taken (a revoked key keeps its own) or makes no sense, or the file
            is wrong or can't be written.
    """
    try:
        key, kept = make_key(name, admin=admin)
    except ValidationError as error:
        raise SetupError(
            f"{name!r} can't name a key: use up to 40 of a-z, 0-9, '.', '_' and '-', "
            "a letter or digit first"
        ) from error
    with _locked(path):
        keys = read_keys(path) if path.exists() else ()
        if any(other.name == name for other in keys):
            raise SetupError(f"There is a key named {name!r} already; choose another name")
        _write(path, (*keys, kept))
    return key


def revoke_key(path: Path, name: str) -> None:
    """Make a key worthless from now on.

    Raises:
        SetupError: There is no such key, it is revoked already, or the file is wrong or can't be
            written.
    """
    with _locked(path):
        keys = {key.name: key for key in read_keys(path)}
        if name not in keys:
            raise SetupError(f"There is no key named {name!r}; see `taggram keys list`")
        if keys[name].revoked:
            raise SetupError(f"The key {name!r} is revoked already")
        keys[name] = keys[name].model_copy(update={"revoked": datetime.now(UTC)})
        _write(path, tuple(keys.values()))


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Keep other writers out; what the disk refuses is the operator's to mend."""
    try:
        with path.with_name(f"{path.name}.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
    except OSError as error:
        raise SetupError(f"{path} can't be written: {error.strerror}") from error


def _write(path: Path, keys: tuple[ApiKey, ...]) -> None:
    """Put a new file in the old one's place, so that readers see the one or the other, whole."""
    path = path.resolve()  # a link stays a link
    # Its mode is 0600 from the first byte on.
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w") as file:
            if path.exists():  # the service must go on reading what root writes
                os.fchown(file.fileno(), path.stat().st_uid, path.stat().st_gid)
            file.write(_Keys(keys=keys).model_dump_json(indent=1) + "\n")
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink()
        raise
