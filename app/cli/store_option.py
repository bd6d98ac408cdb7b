"""The option `--store` of the subcommands."""

from typing import Annotated

import typer

from app.cli.console import read_settings
from app.store.storage.store import Store

StoreUrl = Annotated[
    str | None,
    typer.Option(
        "--store",
        metavar="URL",
        help="A folder or a URL such as s3://bucket/models, instead of TAGGRAM_MODEL_STORE.",
    ),
]


def open_store(url: str | None) -> Store:
    """Return the store at a URL, or without a URL that of the settings.

    Raises:
        SetupError: It is not a valid store.
    """
    return Store(read_settings().model_store if url is None else url)
