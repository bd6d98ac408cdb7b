"""Where published models lie: a folder, or any URL that fsspec knows, `s3://bucket/models` say.

    <name>/<version>/manifest.toml      with it the version exists, and never changes
    <name>/<version>/weights.safetensors
    <name>/aliases.json                 which version is in production

This package reads and writes bytes; `app.store.manifest` and `app.store.registry` interpret them.
"""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Protocol

from app.domain import ModelRef
from app.errors import SetupError
from app.masking import mask, remember
from app.store.storage.folder import Folder
from app.store.storage.remote import Remote

MANIFEST = "manifest.toml"

WEIGHTS = ".safetensors"

LARGEST_TEXT, LARGEST_WEIGHTS = 2**19, 2**31
"""Bytes of a manifest or a list of aliases, and of a file of weights."""

_LONGEST_REASON = 300
"""Characters; what lies behind a URL may answer with a page."""


class StorageBackend(Protocol):
    """Files by their paths below a root. What goes wrong is an `OSError`, or anything else."""

    def paths(self) -> list[str]:
        """All files as `<name>/<version>/<file>`, those of unfinished work left out."""

    def read(self, path: str, at_most: int) -> bytes:
        """A file's content, read once; one that has more bytes is not read."""

    def publish(self, path: str, files: Mapping[str, bytes]) -> None:
        """Put a folder there, whole or not at all; the last file makes it visible.

        Raises:
            FileExistsError: Something is there.
        """

    def write(self, path: str, data: bytes) -> None:
        """Put a file in the place of another: readers see the one or the other."""

    def remove(self, path: str, first: str) -> None:
        """Take a folder away; with its file `first` it is invisible."""

    def locked(self) -> AbstractContextManager[None]:
        """Keep other writers out, where there is a way to."""


class Store:
    """Published models.

    Attributes:
        url: Where they lie, as it is shown: without a password.
        folder: The same where it is a folder of this machine.
    """

    def __init__(self, url: str | Path) -> None:
        """Say where they lie; nothing is read yet.

        Raises:
            SetupError: It is no folder, and no URL for which there is a library.
        """
        given = str(url)
        if not given:
            raise SetupError("no folder, and no URL, is given where models are published")
        remember(given)
        self.folder = _folder(given)
        self.url = mask(str(self.folder or given.rstrip("/")))
        with self._plainly("this can't be a store of models"):
            self._files: StorageBackend = Folder(self.folder) if self.folder else Remote(given)

    def where(self, path: str) -> str:
        """A file as messages name it."""
        return f"{self.url}/{path}"

    def paths(self) -> list[str]:
        """All files of all versions, as `<name>/<version>/<file>`.

        Raises:
            SetupError: They can't be read.
        """
        with self._plainly("can't be read"):
            return self._files.paths()

    def refs(self) -> list[ModelRef]:
        """Every version of every model, by name and rising."""
        parts = [path.split("/") for path in self.paths()]
        refs = [ModelRef(name, version) for name, version, file in parts if file == MANIFEST]
        return sorted(refs, key=lambda ref: (ref.name, number(ref.version)))

    def versions(self, name: str) -> set[str]:
        """The versions of a model, those among them that were left unfinished."""
        return {path.split("/")[1] for path in self.paths() if path.startswith(f"{name}/")}

    def read(self, path: str) -> bytes | None:
        """A file's content; none where it is missing.

        Raises:
            SetupError: It can't be read.
        """
        at_most = LARGEST_WEIGHTS if path.endswith(WEIGHTS) else LARGEST_TEXT
        with self._plainly("can't be read", path):
            try:
                return self._files.read(path, at_most)
            except FileNotFoundError:
                return None

    def publish(self, ref: ModelRef, files: Mapping[str, bytes]) -> bool:
        """Put a version there, whole or not at all, its manifest last; whether it was free.

        Raises:
            SetupError: It can't be written.
        """
        in_order = dict(sorted(files.items(), key=lambda file: file[0] == MANIFEST))
        with self._plainly("can't be written", str(ref)):
            try:
                self._files.publish(str(ref), in_order)
            except FileExistsError:
                return False
        return True

    def write(self, path: str, data: bytes) -> None:
        """Put a file in the place of another, in one step.

        Raises:
            SetupError: It can't be written.
        """
        with self._plainly("can't be written", path):
            self._files.write(path, data)

    def remove(self, ref: ModelRef) -> None:
        """Take a version away.

        Raises:
            SetupError: It can't be removed.
        """
        with self._plainly("can't be removed", str(ref)):
            self._files.remove(str(ref), MANIFEST)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other writers out of a folder; in an object store the last one wins.

        Raises:
            SetupError: The lock can't be had.
        """
        with ExitStack() as held:
            with self._plainly("can't be written"):
                held.enter_context(self._files.locked())
            yield

    @contextmanager
    def _plainly(self, what: str, path: str = "") -> Iterator[None]:
        try:
            yield
        except SetupError as error:
            raise SetupError(mask(f"{self.url}: {error}")) from error
        except Exception as error:  # each of fsspec's libraries has its own
            raise SetupError(f"{self.where(path).rstrip('/')}: {what}: {_reason(error)}") from error


def number(version: str) -> int:
    """Where a version stands among others; what is none comes first."""
    return int(version) if version.isdecimal() else 0


def _folder(url: str) -> Path | None:
    if url.startswith("file://"):
        return Path(url.removeprefix("file://"))
    if "://" in url or "::" in url:
        return None
    return Path(url)


def _reason(error: Exception) -> str:
    said = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return mask(" ".join(said.split()))[:_LONGEST_REASON]
