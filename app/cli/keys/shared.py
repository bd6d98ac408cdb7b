"""The key file, and the argument that several subcommands share."""

from pathlib import Path
from typing import Annotated

import typer

from app.cli.console import read_settings
from app.errors import SetupError

Name = Annotated[str, typer.Argument(help="The key's name, such as `shop`.")]


def find_key_file() -> Path:
    """Return the key file of the settings.

    Raises:
        SetupError: The settings name none.
    """
    path = read_settings().keys_file
    if path is None:
        raise SetupError(
            "no key file was given; set TAGGRAM_KEYS_FILE to the file of the API keys' hashes"
        )
    return path
