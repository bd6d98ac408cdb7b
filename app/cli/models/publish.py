"""`taggram models publish`: publish a folder."""

import logging
from typing import Annotated

import typer

from app.cli.console import err, log_to_stderr, plain_errors
from app.cli.models.shared import report_published
from app.cli.store_option import StoreUrl, open_store
from app.store.storage.store import Store


def publish(
    folder: Annotated[
        str, typer.Argument(help="The folder or URL of manifest.toml and the weights.")
    ],
    url: StoreUrl = None,
) -> None:
    """Publish a folder as the version in its manifest, or as the next one if it has none."""
    log_to_stderr(logging.WARNING)
    from app.store.registry.publishing import publish_folder

    with plain_errors():
        store = open_store(url)
        with err.status("checking"):
            manifest = publish_folder(store, Store(folder))
    report_published(store, manifest)
