"""Downloads a released checkpoint, from its origin or a mirror.

The file is kept in the user's cache until the model is published, so that an interrupted download
can be resumed.
"""

import fcntl
import hashlib
import os
from collections.abc import Callable, Iterator
from http.client import HTTPException, HTTPResponse
from io import BufferedIOBase
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from app.errors import SetupError, WeightsError
from app.installation import cache_folder
from app.masking import remember
from app.paths import open_file
from app.store.manifest.source import Checkpoint

TIMEOUT_S = 30.0
"""Timeout of each read from the server."""
PIECE_BYTES = 2**16

_RESUME_ADVICE = "run the command again to resume"


def download_checkpoint(
    checkpoint: Checkpoint, mirror: str | None, on_progress: Callable[[int], None]
) -> Path:
    """Return the path of a checkpoint's file, downloading it unless it is local.

    Args:
        checkpoint: The checkpoint.
        mirror: A folder, or the URL of one, to read from instead of the origin.
        on_progress: Called with the number of bytes downloaded so far.

    Raises:
        SetupError: It can't be downloaded; a partial file is kept.
        WeightsError: It is another file, which is deleted.
    """
    remember(mirror or "")
    place = f"{(mirror or checkpoint.base).rstrip('/')}/{checkpoint.path}"
    if place.startswith(("http://", "https://")):
        return _downloaded(place, checkpoint, on_progress)
    if "://" in place:
        raise SetupError(f"--mirror {mirror}: expected a folder, or a URL of http:// or https://")
    try:
        with open_file(Path(place)) as file:
            _check(place, checkpoint, file)
    except OSError as error:
        raise SetupError(f"{place}: can't be read: {error.strerror}") from error
    return Path(place)


def delete_download(checkpoint: Checkpoint) -> None:
    """Delete the downloaded file of a checkpoint."""
    _cache_path(checkpoint).unlink(missing_ok=True)


def _cache_path(checkpoint: Checkpoint) -> Path:
    """Return its path in the cache, named by its hash so that files are never mixed up."""
    return cache_folder() / f"{checkpoint.sha256}.pth"


def _downloaded(url: str, checkpoint: Checkpoint, on_progress: Callable[[int], None]) -> Path:
    path = _cache_path(checkpoint)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            count = file.seek(0, os.SEEK_END)
            if count < checkpoint.size or _sha256(file) != checkpoint.sha256:
                _resume(url, checkpoint, file, on_progress)
    except BlockingIOError as error:
        raise SetupError(
            f"{path}: another process is downloading {checkpoint.path}; try again later"
        ) from error
    except OSError as error:
        raise SetupError(f"{path}: can't be written: {error.strerror}") from error
    return path


def _resume(
    url: str, checkpoint: Checkpoint, file: BufferedIOBase, on_progress: Callable[[int], None]
) -> None:
    """Append the missing bytes, or start over if the server does not support ranges."""
    count = file.seek(0, os.SEEK_END)
    request = Request(url, headers={"User-Agent": "taggram"})  # noqa: S310 - http or https
    if 0 < count < checkpoint.size:
        request.add_header("Range", f"bytes={count}-")
    with _opened(request, checkpoint) as response:
        if not response.headers.get("Content-Range", "").startswith(f"bytes {count}-"):
            file.truncate(0)
            count = 0
        announced = response.headers.get("Content-Length")
        if announced not in {None, str(checkpoint.size - count)}:
            raise WeightsError(
                f"{url}: is another file, of {announced} bytes; expected {checkpoint.size}"
            )
        for piece in _pieces(url, response):
            count += len(piece)
            if count > checkpoint.size:
                break
            file.write(piece)
            on_progress(count)
    if count < checkpoint.size:
        raise SetupError(
            f"{url}: {count:,} of {checkpoint.size:,} bytes were received; {_RESUME_ADVICE}"
        )
    try:
        _check(url, checkpoint, file)
    except WeightsError:
        file.truncate(0)
        raise


def _opened(request: Request, checkpoint: Checkpoint) -> HTTPResponse:
    url = request.full_url
    advice = f"use `--mirror FOLDER_OR_URL` to read {checkpoint.path} from elsewhere"
    try:
        response: HTTPResponse = urlopen(request, timeout=TIMEOUT_S)  # noqa: S310 - see above
    except HTTPError as error:
        error.close()
        raise SetupError(f"{url}: HTTP {error.code} {error.reason}; {advice}") from error
    except (OSError, HTTPException) as error:
        reason = getattr(error, "reason", None) or error
        raise SetupError(f"{url} can't be reached: {reason}; {advice}") from error
    return response


def _pieces(url: str, response: HTTPResponse) -> Iterator[bytes]:
    try:
        while piece := response.read(PIECE_BYTES):
            yield piece
    except (OSError, HTTPException) as error:
        raise SetupError(f"{url}: the connection broke: {error}; {_RESUME_ADVICE}") from error


def _check(place: str, checkpoint: Checkpoint, file: BufferedIOBase) -> None:
    digest = _sha256(file)
    if digest != checkpoint.sha256:
        raise WeightsError(
            f"{place}: is not the file that was released: its SHA-256 is {digest}, expected "
            f"{checkpoint.sha256}"
        )


def _sha256(file: BufferedIOBase) -> str:
    file.seek(0)
    return hashlib.file_digest(file, "sha256").hexdigest()
