"""`taggram models`: list, verify and publish models."""

import logging
import sys
from collections.abc import Collection
from typing import Annotated

import typer
from rich.table import Table

from app.cli.console import cell, err, log_to_stderr, out, plain_errors, say
from app.cli.network_import import import_network
from app.cli.publishing import import_torch, promote, publish, publish_run, remove, rollback
from app.cli.pulling import list_available, pull
from app.cli.store_option import StoreUrl, open_store
from app.errors import TaggramError
from app.masking import mask
from app.store.manifest.manifest import Manifest, manifests
from app.store.registry.aliases import read_aliases, resolve
from app.store.registry.weights import WeightsState, weights_path, weights_state
from app.store.storage.store import Store
from app.text import printable_lines

models_app = typer.Typer(no_args_is_help=True, help="Publish models, download and verify weights.")
models_app.command("available")(list_available)
models_app.command()(pull)
models_app.command()(publish)
models_app.command()(publish_run)
models_app.command("import-torch")(import_torch)
models_app.command("import-network")(import_network)
models_app.command()(promote)
models_app.command()(rollback)
models_app.command()(remove)


@models_app.command("list")
def list_(url: StoreUrl = None) -> None:
    """List all versions of the published models, with their aliases and the weights' state."""
    table = Table("model", "version", "tags", "weights", "aliases", "licence", "summary")
    with plain_errors():
        store = open_store(url)
        stored = store.paths()
        for manifest in _all(store):
            table.add_row(
                manifest.name,
                manifest.version,
                str(len(manifest.tags.names)),
                _state(store, stored, manifest),
                ", ".join(read_aliases(store, manifest.name).pointing(manifest.version)),
                cell(manifest.source.licence),
                cell(manifest.summary),
            )
    out.print(table)


@models_app.command()
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
        chosen = [resolve(store, manifests(store), model)] if model else _all(store)
    for manifest in chosen:
        try:
            verify_model(store, manifest)
            say(out, f"{manifest.ref}: as published")
        except TaggramError as error:
            failed += 1
            say(err, f"{manifest.ref}: {error}", style="red")
    if failed:
        raise typer.Exit(1)


@models_app.command()
def card(
    model: Annotated[str, typer.Argument(metavar="NAME[/VERSION]")], url: StoreUrl = None
) -> None:
    """Print a model's card in Markdown: its input, tags, figures and licence."""
    from app.store.card import card as written
    from app.store.registry.weights import read_weights

    with plain_errors():
        store = open_store(url)
        manifest = resolve(store, manifests(store), model)
        text = written(manifest, read_weights(store, manifest))
    sys.stdout.write(printable_lines(mask(text)))


def _all(store: Store) -> list[Manifest]:
    return [manifest for versions in manifests(store).values() for manifest in versions]


def _state(store: Store, stored: Collection[str], manifest: Manifest) -> str:
    """Return the state of weights; those of a remote store are not downloaded to check them."""
    if store.folder:
        return weights_state(store, manifest)
    return "stored" if weights_path(manifest) in stored else WeightsState.MISSING
