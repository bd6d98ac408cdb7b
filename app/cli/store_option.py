"""`--store` of the subcommands of `taggram models`."""

from typing import Annotated

import typer

from app.cli.console import read_settings
from app.store.storage.store import Store

StoreUrl = Annotated[
    str | None,
    typer.Option(
        "--store",
        metavar="URL",
        help="A folder or a URL as s3://bucket/models, instead of TAGGRAM_MODEL_STORE.",
    ),
]


def opened(url: str | None) -> Store:
    """The store that is meant.

    Raises:
        SetupError: It is none.
    """
    return Store(read_settings().model_store if url is None else url)
