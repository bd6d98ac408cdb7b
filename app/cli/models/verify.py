"""`taggram models verify`: compare weights and scores with the published ones."""

import logging
from typing import Annotated

import typer

from app.cli.console import err, log_to_stderr, out, plain_errors, say
from app.cli.models.shared import list_published
from app.cli.store_option import StoreUrl, open_store
from app.errors import TaggramError
from app.store.manifest.manifest import manifests
from app.store.registry.aliases import resolve


def verify(
    model: Annotated[
        str | None, typer.Argument(metavar="[NAME[/VERSION]]", help="Only this model.")
    ] = None,
    url: StoreUrl = None,
) -> None:
    """Check each model's weights against their hash, and its scores against the golden ones."""
    log_to_stderr(logging.WARNING)
    from app.store.registry.verification import verify as verify_model

    failed = 0
    with plain_errors():
        store = open_store(url)
        chosen = [resolve(store, manifests(store), model)] if model else list_published(store)
    for manifest in chosen:
        try:
            verify_model(store, manifest)
            say(out, f"{manifest.ref}: as published")
        except TaggramError as error:
            failed += 1
            say(err, f"{manifest.ref}: {error}", style="red")
    if failed:
        raise typer.Exit(1)
