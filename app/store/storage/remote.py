"""Models behind a URL, in an object store as a rule: the only import of fsspec.

Objects can't be renamed in one step, so what makes a version visible, its manifest, is written
last. There are no locks: that no two write the same version is left to the object store, which
creates an object only where there is none (S3's `If-None-Match: *`). What fsspec reaches that can't
do this, FTP say, is for one publisher at a time.
"""

import errno
from collections.abc import Mapping
from contextlib import nullcontext, suppress
from datetime import UTC, datetime, timedelta

import fsspec

from app.errors import SetupError
from app.urls import check_scheme

LEFT_OVER = timedelta(days=1)
"""So old, files without a manifest are a killed publisher's; younger, they may become a version."""

_DEPTH = 3
"""Of `<name>/<version>/<file>`."""


class Remote:
    """See `app.store.storage.store.StorageBackend`."""

    def __init__(self, url: str) -> None:
        check_scheme(url)
        try:
            # Without its cache of listings: who serves for months must see what others publish.
            self._system, root = fsspec.url_to_fs(url, use_listings_cache=False)
        except ImportError as error:
            raise SetupError(
                f"a library is needed that is not installed: {error}; the one for s3:// comes "
                "with `pip install taggram[s3]`"
            ) from error
        self._root = root.rstrip("/")
        if not self._root:
            raise SetupError("the bucket, or the folder, is missing in this URL")

    def paths(self) -> list[str]:
        """All files as `<name>/<version>/<file>`."""
        try:
            found = self._system.find(self._root)
        except FileNotFoundError:
            return []
        below = [path.removeprefix(f"{self._root}/") for path in found]
        return [path for path in below if _is_shown(path)]

    def read(self, path: str, at_most: int) -> bytes:
        """A file's content."""
        place = self._at(path)
        if (self._system.size(place) or 0) > at_most:  # not every server says it
            raise OSError(errno.EFBIG, f"it is larger than {at_most:,} bytes", path)
        return bytes(self._system.cat_file(place))

    def publish(self, path: str, files: Mapping[str, bytes]) -> None:
        """Write one file after the other; where one fails, those before are taken away again.

        Raises:
            FileExistsError: Something is there.
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
        """Put a file in the place of another; in an object store this is one step."""
        self._system.pipe_file(self._at(path), data)

    def remove(self, path: str, first: str) -> None:
        """Delete a folder, the file first with which it is visible."""
        self._system.rm_file(self._at(f"{path}/{first}"))
        for other in self._below(path):
            self._system.rm_file(self._at(other))
        self._drop_folder(path)

    def locked(self) -> nullcontext[None]:
        """There is no way to."""
        return nullcontext()

    def _at(self, path: str) -> str:
        return f"{self._root}/{path}"

    def _below(self, path: str) -> list[str]:
        return [other for other in self.paths() if other.startswith(f"{path}/")]

    def _create(self, path: str, data: bytes, written: list[str]) -> None:
        """Write a file where none is, and remember it."""
        written.append(path)  # where this fails, it may have been written all the same
        try:
            try:
                self._system.pipe_file(self._at(path), data, mode="create")
            except FileNotFoundError:
                if not self._system.isdir(self._root):
                    raise  # the root is the operator's to make, as a bucket is
                # Object stores have no folders, others do.
                self._system.makedirs(self._at(path).rpartition("/")[0], exist_ok=True)
                self._system.pipe_file(self._at(path), data, mode="create")
        except FileExistsError:
            written.pop()
            # Who made the first file goes on alone: then it is our own, and its answer was lost.
            if not written or self.read(path, len(data)) != data:
                raise

    def _drop_folder(self, path: str) -> None:
        with suppress(Exception):  # there is none, or others write into it
            self._system.rmdir(self._at(path))

    def _undo(self, path: str, written: list[str]) -> None:
        for each in reversed(written):
            with suppress(Exception):  # what went wrong first is what is told
                self._system.rm_file(self._at(each))
        self._drop_folder(path)

    def _clear(self, name: str, last: str) -> None:
        """Delete what killed publishers of this model left: old files without the last one."""
        paths = self._below(name)
        complete = {path.rpartition("/")[0] for path in paths if path.endswith(f"/{last}")}
        for path in paths:
            if path.rpartition("/")[0] not in complete and self._age(path) > LEFT_OVER:
                self._system.rm_file(self._at(path))

    def _age(self, path: str) -> timedelta:
        modified: datetime = self._system.modified(self._at(path))
        return datetime.now(UTC) - modified.replace(tzinfo=modified.tzinfo or UTC)


def _is_shown(path: str) -> bool:
    """Whether it is `<name>/<version>/<file>`, and no part of it is empty or hidden."""
    parts = path.split("/")
    return len(parts) == _DEPTH and all(part and not part.startswith(".") for part in parts)
