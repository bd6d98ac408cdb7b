"""Stores models at a URL, usually in an object store; the only module that imports fsspec.

Objects can't be renamed atomically, so the manifest, which makes a version visible, is written
last. There are no locks: the object store prevents that two writers create the same version, as it
creates an object only if there is none (S3's `If-None-Match: *`). Storage without this, such as
FTP, supports one publisher at a time.
"""

import errno
from collections.abc import Mapping
from contextlib import nullcontext, suppress
from datetime import UTC, datetime, timedelta

import fsspec

from app.errors import SetupError
from app.urls import check_scheme

LEFT_OVER = timedelta(days=1)
"""Age from which files without a manifest are the remains of a killed publisher."""

_DEPTH = 3
"""Number of parts of `<name>/<version>/<file>`."""


class Remote:
    """See `app.store.storage.store.StorageBackend`."""

    def __init__(self, url: str) -> None:
        check_scheme(url)
        try:
            # Without its cache of listings: a long-running service must see new versions.
            self._system, root = fsspec.url_to_fs(url, use_listings_cache=False)
        except ImportError as error:
            raise SetupError(
                f"a library is not installed: {error}; for s3:// run `pip install taggram[s3]`"
            ) from error
        self._root = root.rstrip("/")
        if not self._root:
            raise SetupError("the URL has no bucket or folder")

    def paths(self) -> list[str]:
        """Return all files as `<name>/<version>/<file>`."""
        try:
            found = self._system.find(self._root)
        except FileNotFoundError:
            return []
        below = [path.removeprefix(f"{self._root}/") for path in found]
        return [path for path in below if _is_shown(path)]

    def read(self, path: str, at_most: int) -> bytes:
        """Return the content of a file.

        Raises:
            OSError: It has more bytes than `at_most`.
        """
        place = self._at(path)
        if (self._system.size(place) or 0) > at_most:  # not every server reports it
            raise OSError(errno.EFBIG, f"it is larger than {at_most:,} bytes", path)
        return bytes(self._system.cat_file(place))

    def publish(self, path: str, files: Mapping[str, bytes]) -> None:
        """Write one file after the other; if one fails, the written ones are removed.

        Raises:
            FileExistsError: The folder has files.
        """
        self._clear(path.partition("/")[0], list(files)[-1])
        if self._below(path):
            raise FileExistsError(path)
        written: list[str] = []
        try:
            for name, data in files.items():
                self._create(f"{path}/{name}", data, written)
        except BaseException:
            self._undo(path, written)
            raise

    def write(self, path: str, data: bytes) -> None:
        """Replace a file; in an object store this is atomic."""
        self._system.pipe_file(self._at(path), data)

    def remove(self, path: str, first: str) -> None:
        """Delete a folder, first the file that makes it visible."""
        self._system.rm_file(self._at(f"{path}/{first}"))
        for other in self._below(path):
            self._system.rm_file(self._at(other))
        self._drop_folder(path)

    def locked(self) -> nullcontext[None]:
        """Do nothing: there are no locks."""
        return nullcontext()

    def _at(self, path: str) -> str:
        return f"{self._root}/{path}"

    def _below(self, path: str) -> list[str]:
        return [other for other in self.paths() if other.startswith(f"{path}/")]

    def _create(self, path: str, data: bytes, written: list[str]) -> None:
        """Create a file, and append it to `written`."""
        written.append(path)  # it may have been written even if this fails
        try:
            try:
                self._system.pipe_file(self._at(path), data, mode="create")
            except FileNotFoundError:
                if not self._system.isdir(self._root):
                    raise  # the operator has to create the root, as with a bucket
                # Other than object stores, some storage has folders.
                self._system.makedirs(self._at(path).rpartition("/")[0], exist_ok=True)
                self._system.pipe_file(self._at(path), data, mode="create")
        except FileExistsError:
            written.pop()
            # Only the creator of the first file continues: this one is ours, its response was lost.
            if not written or self.read(path, len(data)) != data:
                raise

    def _drop_folder(self, path: str) -> None:
        with suppress(Exception):  # it does not exist, or others write into it
            self._system.rmdir(self._at(path))

    def _undo(self, path: str, written: list[str]) -> None:
        for each in reversed(written):
            with suppress(Exception):  # the first error is the one to report
                self._system.rm_file(self._at(each))
        self._drop_folder(path)

    def _clear(self, name: str, last: str) -> None:
        """Delete remains of killed publishers of this model: old files without the last one."""
        paths = self._below(name)
        complete = {path.rpartition("/")[0] for path in paths if path.endswith(f"/{last}")}
        for path in paths:
            if path.rpartition("/")[0] not in complete and self._age(path) > LEFT_OVER:
                self._system.rm_file(self._at(path))

    def _age(self, path: str) -> timedelta:
        modified: datetime = self._system.modified(self._at(path))
        return datetime.now(UTC) - modified.replace(tzinfo=modified.tzinfo or UTC)


def _is_shown(path: str) -> bool:
    """Return whether it is `<name>/<version>/<file>` without empty or hidden parts."""
    parts = path.split("/")
    return len(parts) == _DEPTH and all(part and not part.startswith(".") for part in parts)
