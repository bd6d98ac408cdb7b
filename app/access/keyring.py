"""The API keys in memory, kept up to date with their file."""

import logging
from pathlib import Path

from app.access.key_file import read_keys
from app.access.keys import KEY, ApiKey
from app.errors import SetupError

log = logging.getLogger(__name__)


class Keyring:
    """The valid keys of a file.

    Each request checks whether the file has changed, so that a revocation takes effect at once. If
    the file becomes unreadable or invalid, or is deleted, the error is logged once and the last
    valid keys stay: an operator's mistake must not lock all callers out.
    """

    def __init__(self, path: Path) -> None:
        """Read the keys.

        Raises:
            SetupError: The file is missing, unreadable, or not a valid file of keys.
        """
        self._path = path
        self._read_at = _stamp(path)
        self._keys = read_keys(path)

    def find(self, credential: str) -> ApiKey | None:
        """Return the key of a credential; None if it is unknown or revoked."""
        match = KEY.fullmatch(credential)
        if match is None:
            return None
        valid = (key for key in self._current() if key.id == match[1] and not key.revoked)
        return next((key for key in valid if key.matches(credential)), None)

    def is_valid(self, name: str) -> bool:
        """Return whether a key has this name and is not revoked."""
        return any(key.name == name and not key.revoked for key in self._current())

    def _current(self) -> tuple[ApiKey, ...]:
        stamp = _stamp(self._path)
        if stamp != self._read_at:
            self._read_at = stamp
            try:
                self._keys = read_keys(self._path)
            except SetupError as error:
                log.error("the previous API keys stay in use: %s", error)
        return self._keys


def _stamp(path: Path) -> tuple[int, int, int] | None:
    """Return values that change with every change of the file, including its permissions."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ctime_ns, status.st_ino, status.st_size
