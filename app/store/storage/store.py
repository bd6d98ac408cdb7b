"""The model store: a folder, or any URL that fsspec supports, such as `s3://bucket/models`.

    <name>/<version>/manifest.toml      makes the version visible; versions never change;
                                        recommender.toml for a recommender of curators
    <name>/<version>/weights.safetensors
    <name>/aliases.json                 aliases, such as production

This package reads and writes bytes; `app.store.manifest` and `app.store.registry` interpret them.
"""

from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from app.domain import ModelRef
from app.errors import SetupError
from app.masking import mask, remember
from app.store.storage.backend import StorageBackend
from app.store.storage.folder import Folder
from app.store.storage.remote import Remote

MANIFEST, RECOMMENDER = "manifest.toml", "recommender.toml"
"""The manifests of models that tag tracks, and of recommenders of curators."""

MANIFESTS = (MANIFEST, RECOMMENDER)

LARGEST_TEXT, LARGEST_WEIGHTS = 2**19, 2**31
"""Largest size of a manifest or a file of aliases, and of a file of weights, in bytes."""

_LONGEST_REASON = 300
"""Characters; a server may answer with a whole page."""


class Store:
    """The storage of published models.

    Attributes:
        url: Its folder or URL, as messages show it: without a password.
        folder: Its folder, if it is local.
    """

    def __init__(self, url: str | Path) -> None:
        """Open a store; nothing is read yet.

        Raises:
            SetupError: It is neither a folder nor a URL with an installed library.
        """
        given = str(url)
        if not given:
            raise SetupError("the model store is empty; expected a folder or a URL")
        remember(given)
        self.folder = _folder(given)
        self.url = mask(str(self.folder or given.rstrip("/")))
        with self._errors("this is not a valid model store"):
            self._files: StorageBackend = Folder(self.folder) if self.folder else Remote(given)

    def where(self, path: str) -> str:
        """Return a file as messages name it."""
        return f"{self.url}/{path}"

    def paths(self) -> list[str]:
        """Return all files of all versions, as `<name>/<version>/<file>`.

        Raises:
            SetupError: They can't be read.
        """
        with self._errors("can't be read"):
            return self._files.paths()

    def refs(self, manifests: Collection[str] = (MANIFEST,)) -> list[ModelRef]:
        """Return all versions, sorted by name and number.

        Args:
            manifests: The manifests of the kinds to return; by default models that tag tracks.

        Raises:
            SetupError: They can't be read.
        """
        parts = [path.split("/") for path in self.paths()]
        refs = [ModelRef(name, version) for name, version, file in parts if file in manifests]
        return sorted(refs, key=lambda ref: (ref.name, number(ref.version)))

    def versions(self, name: str) -> set[str]:
        """Return the versions of a model, including incomplete ones.

        Raises:
            SetupError: They can't be read.
        """
        return {path.split("/")[1] for path in self.paths() if path.startswith(f"{name}/")}

    def read(self, path: str, sha256: str | None = None) -> bytes | None:
        """Return the content of a file; None if it is missing.

        Args:
            path: The path of the file.
            sha256: The SHA-256 that weights should have, which the caller checks. Weights of a
                remote store that have it are kept in a cache of this user, and fetched once.

        Raises:
            SetupError: It can't be read, or is too large.
        """
        at_most = LARGEST_WEIGHTS if sha256 else LARGEST_TEXT
        with self._errors("can't be read", path):
            try:
                return self._files.read(path, at_most, sha256)
            except FileNotFoundError:
                return None

    def publish(self, ref: ModelRef, files: Mapping[str, bytes]) -> None:
        """Write a version, its manifest last; call it with the store locked.

        Args:
            ref: The version.
            files: The content of its files by name.

        Raises:
            SetupError: The version exists, or can't be written.
        """
        in_order = dict(sorted(files.items(), key=lambda file: file[0] in MANIFESTS))
        with self._errors("can't be written", str(ref)):
            try:
                self._files.publish(str(ref), in_order)
            except FileExistsError as error:
                raise SetupError(
                    f"{ref} exists, and a version never changes; publish another version"
                ) from error

    def write(self, path: str, data: bytes) -> None:
        """Write or replace a file atomically.

        Raises:
            SetupError: It can't be written.
        """
        with self._errors("can't be written", path):
            self._files.write(path, data)

    def remove(self, ref: ModelRef, manifest: str = MANIFEST) -> None:
        """Remove a version.

        Args:
            ref: The version.
            manifest: Its manifest.

        Raises:
            SetupError: It can't be removed.
        """
        with self._errors("can't be removed", str(ref)):
            self._files.remove(str(ref), manifest)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Lock out other writers of a folder. A remote store has no locks, and so one writer.

        Raises:
            SetupError: It can't be locked.
        """
        with ExitStack() as stack:
            with self._errors("can't be written"):
                stack.enter_context(self._files.locked())
            yield

    @contextmanager
    def _errors(self, problem: str, path: str = "") -> Iterator[None]:
        """Raise errors of the storage as `SetupError`, without passwords."""
        try:
            yield
        except SetupError as error:
            raise SetupError(mask(f"{self.url}: {error}")) from error
        except Exception as error:  # each of fsspec's libraries has its own
            where = self.where(path).rstrip("/")
            raise SetupError(f"{where}: {problem}: {_reason(error)}") from error


def number(version: str) -> int:
    """Return the number of a version, by which they are sorted; 0 if it is not valid."""
    return int(version) if version.isdecimal() else 0


def _folder(url: str) -> Path | None:
    if url.startswith("file://"):
        return Path(url.removeprefix("file://"))
    if "://" in url or "::" in url:
        return None
    return Path(url)


def _reason(error: Exception) -> str:
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return mask(" ".join(reason.split()))[:_LONGEST_REASON]
