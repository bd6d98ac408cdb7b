"""`taggram models card`: write a model's card."""

import sys
from typing import Annotated

import typer

from app.cli.console import plain_errors
from app.cli.models.shared import find_published
from app.cli.store_option import StoreUrl, open_store
from app.masking import mask
from app.store.manifest.recommender import RecommenderManifest
from app.text import printable_lines


def card(
    model: Annotated[str, typer.Argument(metavar="NAME[/VERSION]")], url: StoreUrl = None
) -> None:
    """Print the card of a model or a recommender in Markdown: what it is, figures and limits."""
    from app.recommender.serving.card import recommender_card
    from app.store.card import card as written
    from app.store.registry.verification import read_arrays

    with plain_errors():
        store = open_store(url)
        manifest = find_published(store, model)
        if isinstance(manifest, RecommenderManifest):
            text = recommender_card(manifest)
        else:
            text = written(manifest, read_arrays(store, manifest))
    sys.stdout.write(printable_lines(mask(text)))
