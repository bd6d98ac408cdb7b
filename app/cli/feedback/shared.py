"""The feedback file, and the option that the subcommands share."""

from pathlib import Path
from typing import Annotated

import typer

from app.cli.console import read_settings
from app.errors import SetupError

FeedbackFile = Annotated[
    Path | None,
    typer.Option("--file", help="The service's feedback file; by default TAGGRAM_FEEDBACK_FILE."),
]


def find_feedback_file(option: Path | None) -> Path:
    """Return the file of the option, or else that of the settings.

    Raises:
        SetupError: None is given.
    """
    path = option or read_settings().feedback_file
    if path is None:
        raise SetupError("no feedback file was given; use --file, or set TAGGRAM_FEEDBACK_FILE")
    return path
