"""`taggram models verify`: compare weights and scores with the published ones."""

import logging
from itertools import chain
from typing import Annotated

import typer

from app.cli.console import err, log_to_stderr, out, plain_errors, say
from app.cli.models.shared import all_published, find_published, verify_published
from app.cli.store_option import StoreUrl, open_store
from app.errors import TaggramError


def verify(
    model: Annotated[
        str | None, typer.Argument(metavar="[NAME[/VERSION]]", help="Only this model.")
    ] = None,
    url: StoreUrl = None,
) -> None:
    """Check each model's weights against their hash, and its scores against the golden ones."""
    log_to_stderr(logging.WARNING)
    failed = 0
    with plain_errors():
        store = open_store(url)
        published = chain.from_iterable(all_published(store).values())
        chosen = [find_published(store, model)] if model else list(published)
    for manifest in chosen:
        try:
            verify_published(store, manifest)
            say(out, f"{manifest.ref}: as published")
        except TaggramError as error:
            failed += 1
            say(err, f"{manifest.ref}: {error}", style="red")
    if failed:
        raise typer.Exit(1)
