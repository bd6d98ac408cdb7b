"""Cached files with an array of a track's windows, (windows, columns)."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from app.files import atomic_file, write_error
from app.paths import check_is_file

WindowArray = npt.NDArray[np.float32]
"""(windows, columns): scores of tags, or embeddings."""


def read_windows(path: Path, n_columns: int) -> WindowArray | None:
    """Return a cached array, (windows, columns), or None if there is none or it is damaged."""
    windows = _map(path, n_columns)
    return None if windows is None else np.array(windows)


def has_windows(path: Path, n_columns: int) -> bool:
    """Return whether an array is cached; only its header and length are read."""
    return _map(path, n_columns) is not None


def write_windows(path: Path, windows: WindowArray) -> None:
    """Write an array, (windows, columns), atomically.

    Raises:
        SetupError: It can't be written.
    """
    try:
        with atomic_file(path) as file:
            np.save(file, windows)
    except OSError as error:
        raise write_error(path, error) from error


def _map(path: Path, n_columns: int) -> WindowArray | None:
    try:
        check_is_file(path)
        windows: WindowArray = np.load(path, mmap_mode="r")
    except (OSError, EOFError, ValueError):
        return None
    return windows if windows.shape[1:] == (n_columns,) else None
