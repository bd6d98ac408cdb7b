"""Paths that differ between a checkout of the repository and an installed wheel."""

import base64
import hashlib
from importlib.metadata import files, version
from pathlib import Path

from platformdirs import user_cache_path, user_data_path

from app.errors import SetupError

DISTRIBUTION = "taggram"
PACKAGE = Path(__file__).resolve().parent
CHECKOUT = PACKAGE.parent


def is_checkout() -> bool:
    """Return whether the code runs from a checkout, as editable installations do."""
    return (CHECKOUT / "pyproject.toml").is_file()


def installed_version() -> str:
    """Return the version of the installed distribution."""
    return version(DISTRIBUTION)


def default_store() -> Path:
    """Return the default model store: that of the checkout, or else of the user."""
    if is_checkout():
        return CHECKOUT / "model_store"
    return user_data_path(DISTRIBUTION, appauthor=False) / "model_store"


def cache_folder() -> Path:
    """Return the folder of this user's caches, below `XDG_CACHE_HOME` on Linux."""
    return user_cache_path(DISTRIBUTION, appauthor=False)


def shipped_models() -> Path:
    """Return the folder with the shipped manifests, which has the layout of a model store."""
    return CHECKOUT / "model_store" if is_checkout() else PACKAGE / "shipped_models"


def check_environment() -> None:
    """Check that no other distribution has overwritten our import package `app`.

    Raises:
        SetupError: Another distribution has.
    """
    name = f"{PACKAGE.name}/__init__.py"
    recorded = next((file for file in files(DISTRIBUTION) or () if str(file) == name), None)
    if recorded is None or recorded.hash is None:  # an editable installation records no files
        return
    path = Path(recorded.locate())
    digest = hashlib.new(recorded.hash.mode, path.read_bytes()).digest()
    if base64.urlsafe_b64encode(digest).decode().rstrip("=") != recorded.hash.value:
        raise SetupError(
            f"{path} is not the file that taggram installed: another package has an "
            "import package `app` too; install taggram in a virtual environment of its own"
        )
