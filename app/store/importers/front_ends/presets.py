"""Reads the front end of an imported network: a preset, or a file of the same form.

A preset is a file `<name>.toml` in this folder, with `[front_end]` and `[window]` as in a manifest.
"""

from pathlib import Path
from typing import Self

from pydantic import model_validator

from app.errors import SetupError
from app.front_ends import FrontEnd, WindowSpec
from app.paths import read_file, reason
from app.store.manifest.manifest import Window
from app.store.manifest.tables import Table, parse_toml, validate
from app.store.storage.store import LARGEST_TEXT

FOLDER = Path(__file__).parent

SUFFIX = ".toml"


class FrontEndSpec(Table):
    """A front end and its windows, as in a manifest.

    Attributes:
        front_end: The front end.
        window: The windows. Without them, the length of the network's input decides, and windows
            do not overlap.
    """

    front_end: FrontEnd
    window: Window | None = None

    @model_validator(mode="after")
    def _check_window(self) -> Self:
        if self.window:  # raises if the hop is longer, or a window is too large
            WindowSpec(self.front_end, self.window.frames, self.window.hop_frames)
        return self


def presets() -> tuple[str, ...]:
    """Return the names of all presets."""
    return tuple(sorted(path.stem for path in FOLDER.glob(f"*{SUFFIX}")))


def read_front_end(preset_or_file: str) -> FrontEndSpec:
    """Read a front end.

    Args:
        preset_or_file: The name of a preset, or the path of a file that ends in `.toml`.

    Raises:
        SetupError: The preset is unknown, or the file can't be read or is not valid.
    """
    if preset_or_file.endswith(SUFFIX):
        path = Path(preset_or_file)
    elif preset_or_file in presets():
        path = FOLDER / f"{preset_or_file}{SUFFIX}"
    else:
        raise SetupError(
            f"front end {preset_or_file!r} is not a preset; expected one of "
            f"{', '.join(presets())}, or a file that ends in {SUFFIX}"
        )
    try:
        data = read_file(path, LARGEST_TEXT)
    except OSError as error:
        raise SetupError(f"{path}: the front end can't be read: {reason(error)}") from error
    return validate(FrontEndSpec, parse_toml(data, str(path)), str(path))
