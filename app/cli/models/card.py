"""`taggram models card`: write a model's card."""

import sys
from typing import Annotated

import typer

from app.cli.console import plain_errors
from app.cli.store_option import StoreUrl, open_store
from app.masking import mask
from app.store.manifest.manifest import manifests
from app.store.registry.aliases import resolve
from app.text import printable_lines


def card(
    model: Annotated[str, typer.Argument(metavar="NAME[/VERSION]")], url: StoreUrl = None
) -> None:
    """Print a model's card in Markdown: its input, tags, figures and licence."""
    from app.store.card import card as written
    from app.store.registry.verification import read_arrays

    with plain_errors():
        store = open_store(url)
        manifest = resolve(store, manifests(store), model)
        text = written(manifest, read_arrays(store, manifest))
    sys.stdout.write(printable_lines(mask(text)))
