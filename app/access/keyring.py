"""The API keys as the service knows them."""

import logging
from pathlib import Path

from app.access.key_file import read_keys
from app.access.keys import KEY, ApiKey
from app.errors import SetupError

log = logging.getLogger(__name__)


class Keyring:
    """The keys that are good, by the file as it is now.

    Whether the file has changed is asked anew for every request, so that a revocation works at
    once. A file that becomes unreadable, broken or is gone is logged once, and the last good keys
    stay: a slip of the operator's must not lock all callers out.
    """

    def __init__(self, path: Path) -> None:
        """Read the keys.

        Raises:
            SetupError: The file is missing, unreadable, or no file of keys.
        """
        self._path = path
        self._read_at = _stamp(path)
        self._keys = read_keys(path)

    def find(self, credential: str) -> ApiKey | None:
        """The key that was handed out as this, unless it is revoked."""
        match = KEY.fullmatch(credential)
        if match is None:
            return None
        good = (key for key in self._current() if key.id == match[1] and not key.revoked)
        return next((key for key in good if key.is_of(credential)), None)

    def is_good(self, name: str) -> bool:
        """Whether there is a key of that name that is not revoked."""
        return any(key.name == name and not key.revoked for key in self._current())

    def _current(self) -> tuple[ApiKey, ...]:
        stamp = _stamp(self._path)
        if stamp != self._read_at:
            self._read_at = stamp
            try:
                self._keys = read_keys(self._path)
            except SetupError as error:
                log.error("the API keys stay as they were: %s", error)
        return self._keys


def _stamp(path: Path) -> tuple[int, int, int] | None:
    """What changes with every change of the file, its rights included."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ctime_ns, status.st_ino, status.st_size
