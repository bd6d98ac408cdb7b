"""`taggram models remove`: delete a version."""

from typing import Annotated

import typer

from app.cli.console import ask, out, plain_errors, say
from app.cli.models.shared import Name, Version
from app.cli.store_option import StoreUrl, open_store
from app.domain import ModelRef
from app.store.registry.alias_changes import remove as remove_version


def remove(
    name: Name,
    version: Version,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
    url: StoreUrl = None,
) -> None:
    """Delete a version permanently, unless an alias points to it."""
    ref = ModelRef(name, version)
    with plain_errors():
        store = open_store(url)
        if not yes:
            ask(f"Delete {ref} from {store.url} permanently?", abort=True)
        remove_version(store, ref)
    say(out, f"{ref} is removed.")
