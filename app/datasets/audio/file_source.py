"""Reads the files of a dataset from a folder, or from any URL that fsspec supports."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import fsspec

from app.errors import SetupError
from app.masking import mask, remember
from app.paths import check_is_file
from app.urls import check_scheme

PIECE_BYTES = 2**20

_LONGEST_REASON = 300
"""In characters; a server may answer with a whole page."""


class FetchError(Exception):
    """A file could not be fetched, and why; `again` if another attempt may help."""

    def __init__(self, why: str, *, again: bool = False) -> None:
        super().__init__(mask(" ".join(why.split()))[:_LONGEST_REASON])
        self.again = again


class FileSource:
    """The folder or URL that a dataset's files are fetched from."""

    def __init__(self, url: str) -> None:
        """Open the source.

        Args:
            url: A folder, or any URL that fsspec supports.

        Raises:
            SetupError: It is neither, or a library is missing.
        """
        remember(url)
        try:
            check_scheme(url)
        except SetupError as error:
            raise SetupError(f"{url}: {error}") from error
        try:
            self._system, root = fsspec.url_to_fs(url)
        except ImportError as error:
            raise SetupError(
                f"{url}: a required library is not installed: {error}; `pip install taggram[s3]` "
                "installs those for s3:// and https://"
            ) from error
        except ValueError as error:
            raise SetupError(f"{url}: {error}") from error
        self._is_local = "file" in self._system.protocol
        if self._is_local and not Path(root).is_dir():
            raise SetupError(f"{url}: the folder does not exist")
        self._root = root.rstrip("/")
        self._quoted = "http" in self._system.protocol

    def pieces(self, path: str) -> Iterator[bytes]:
        """Yield a file's content.

        Raises:
            FetchError: It can't be read.
        """
        within = quote(path) if self._quoted else path
        url = f"{self._root}/{within}"
        try:
            if self._is_local:
                check_is_file(Path(url))
            with self._system.open(url, "rb") as file:
                while piece := file.read(PIECE_BYTES):
                    yield piece
        except FileNotFoundError as error:
            raise FetchError("the file does not exist") from error
        except PermissionError as error:
            raise FetchError("reading it is not permitted") from error
        except Exception as error:  # each of fsspec's libraries raises its own
            raise FetchError(str(error) or type(error).__name__, again=True) from error
