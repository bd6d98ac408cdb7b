"""`taggram keys create`: create an API key."""

from typing import Annotated

import typer

from app.access.key_file import create_key
from app.cli.console import err, out, plain_errors, say
from app.cli.keys.shared import Name, find_key_file


def create(
    name: Name,
    admin: Annotated[
        bool, typer.Option("--admin", help="Allow the key to reload the models too.")
    ] = False,
) -> None:
    """Create an API key and print it once: only its hash is stored."""
    with plain_errors():
        key = create_key(find_key_file(), name, admin=admin)
    say(err, "Store this key in a safe place; it can't be shown again:")
    say(out, key)
