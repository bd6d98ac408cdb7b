"""Stores models at a URL, usually in an object store; the only module of stores that uses fsspec.

There are no locks, so that one process may write at a time. The manifest, which makes a version
visible, is written last: readers never see a part of a version.
"""

import errno
import hashlib
import logging
from collections.abc import Mapping
from contextlib import nullcontext, suppress

import fsspec

from app.errors import SetupError
from app.installation import cache_folder
from app.masking import mask
from app.urls import check_scheme

log = logging.getLogger(__name__)

_DEPTH = 3
"""Number of parts of `<name>/<version>/<file>`."""


class Remote:
    """See `app.store.storage.backend.StorageBackend`."""

    def __init__(self, url: str) -> None:
        """Open a store; nothing is read yet.

        Raises:
            SetupError: The URL is not supported, names no bucket, or needs a library that is not
                installed.
        """
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

    def read(self, path: str, at_most: int, sha256: str | None = None) -> bytes:
        """Return the content of a file.

        Args:
            path: The path of the file.
            at_most: The largest size, in bytes.
            sha256: The SHA-256 that it should have; it is then kept in the cache of this user.

        Raises:
            OSError: It is missing, or has more bytes than `at_most`.
        """
        place = self._at(path)
        if (self._system.size(place) or 0) > at_most:  # not every server reports it
            raise OSError(errno.EFBIG, f"it is larger than {at_most:,} bytes", path)
        cached = self._read_cached(place, sha256) if sha256 else None
        return cached or bytes(self._system.cat_file(place))

    def publish(self, path: str, files: Mapping[str, bytes]) -> None:
        """Write one file after the other; what an interrupted call wrote is replaced.

        Raises:
            FileExistsError: The last of the files exists, and so the folder is published.
        """
        with suppress(FileNotFoundError):  # not `exists`, which returns False after any error
            self._system.info(self._at(f"{path}/{list(files)[-1]}"))
            raise FileExistsError(path)
        for name, data in files.items():
            self.write(f"{path}/{name}", data)

    def write(self, path: str, data: bytes) -> None:
        """Replace a file; in an object store this is atomic."""
        place = self._at(path)
        try:
            self._system.pipe_file(place, data)
        except FileNotFoundError:
            if not self._system.isdir(self._root):
                raise  # the operator has to create the root, as with a bucket
            # Other than object stores, some storage has folders.
            self._system.makedirs(place.rpartition("/")[0], exist_ok=True)
            self._system.pipe_file(place, data)

    def remove(self, path: str, first: str) -> None:
        """Delete a folder, first the file that makes it visible."""
        self._system.rm_file(self._at(f"{path}/{first}"))
        for other in self.paths():
            if other.startswith(f"{path}/"):
                self._system.rm_file(self._at(other))
        with suppress(Exception):  # an object store has no folders
            self._system.rmdir(self._at(path))

    def locked(self) -> nullcontext[None]:
        """Do nothing: there are no locks."""
        return nullcontext()

    def _at(self, path: str) -> str:
        return f"{self._root}/{path}"

    def _read_cached(self, place: str, sha256: str) -> bytes | None:
        """Return a file through the cache of this user, which fetches a file that it lacks.

        Returns:
            None if the file has another SHA-256, and is then not kept, or if the cache fails.
        """
        folder, data = cache_folder() / "models", b""
        try:
            cache = fsspec.filesystem(
                "filecache",
                fs=self._system,
                cache_storage=str(folder),
                check_files=True,  # asks the server whether the file has changed
                expiry_time=0,  # never
                skip_instance_cache=True,  # so that it knows what other processes have fetched
            )
            try:
                data = bytes(cache.cat_file(place))
            finally:
                is_right = hashlib.sha256(data).hexdigest() == sha256
                if not is_right:  # altered, interrupted, or written by two processes at once
                    cache.pop_from_cache(place)
        except Exception as error:  # noqa: BLE001 - whatever it is, the file is read without it
            log.warning("weights can't be cached in %s: %s", folder, mask(str(error)))
            return None
        return data if is_right else None


def _is_shown(path: str) -> bool:
    """Return whether it is `<name>/<version>/<file>` without empty or hidden parts."""
    parts = path.split("/")
    return len(parts) == _DEPTH and all(part and not part.startswith(".") for part in parts)
