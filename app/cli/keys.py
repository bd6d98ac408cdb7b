"""`taggram keys create | list | revoke`: manage API keys."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from app.access.key_file import create_key, read_keys, revoke_key
from app.cli.console import err, out, plain_errors, read_settings, say
from app.errors import SetupError

keys_app = typer.Typer(no_args_is_help=True, help="Create, list and revoke API keys.")

Name = Annotated[str, typer.Argument(help="The key's name, such as `shop`.")]


@keys_app.command()
def create(
    name: Name,
    admin: Annotated[
        bool, typer.Option("--admin", help="Allow the key to reload the models too.")
    ] = False,
) -> None:
    """Create an API key and print it once: only its hash is stored."""
    with plain_errors():
        key = create_key(_file(), name, admin=admin)
    say(err, "Store this key in a safe place; it can't be shown again:")
    say(out, key)


@keys_app.command("list")
def list_() -> None:
    """List the names and dates of the API keys; the keys themselves are not stored."""
    table = Table("name", "admin", "created", "revoked")
    with plain_errors():
        for key in read_keys(_file()):
            admin = "yes" if key.admin else ""
            table.add_row(key.name, admin, _formatted(key.created), _formatted(key.revoked))
    out.print(table)


@keys_app.command()
def revoke(name: Name) -> None:
    """Revoke an API key and its upload tokens at once."""
    with plain_errors():
        revoke_key(_file(), name)
    say(out, f"{name} is revoked.")


def _file() -> Path:
    path = read_settings().keys_file
    if path is None:
        raise SetupError(
            "no key file was given; set TAGGRAM_KEYS_FILE to the file of the API keys' hashes"
        )
    return path


def _formatted(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC" if moment else ""
