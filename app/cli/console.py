"""What the subcommands print with, and how they fail."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager

import typer
from rich.console import Console

from app.errors import TaggramError

out = Console()
err = Console(stderr=True)


@contextmanager
def plain_errors() -> Iterator[None]:
    """End with one line and status 1, not with a traceback, where it is the operator's to mend."""
    try:
        yield
    except TaggramError as error:
        err.print(f"taggram: {error}", style="red", markup=False, highlight=False)
        raise typer.Exit(1) from error


def log_to_stderr(level: int) -> None:
    """Our own lines; what TensorFlow finds wrong it raises, besides printing much that is not."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
