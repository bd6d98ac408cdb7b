"""`taggram keys create | list | revoke`."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from app.access.key_file import create_key, read_keys, revoke_key
from app.cli.console import err, out, plain_errors, read_settings, say
from app.errors import SetupError

keys_app = typer.Typer(no_args_is_help=True, help="EngineFactory, list and revoke API keys.")

Name = Annotated[str, typer.Argument(help="Whose key it is, as `shop`.")]


@keys_app.command()
def create(
    name: Name,
    admin: Annotated[bool, typer.Option("--admin", help="It may also replace the models.")] = False,
) -> None:
    """Make an API key and print it, this once: only its hash is kept."""
    with plain_errors():
        key = create_key(_file(), name, admin=admin)
    say(err, "Keep this key where nobody else reads it; it can't be shown again:")
    say(out, key)


@keys_app.command("list")
def list_() -> None:
    """List the API keys; the keys themselves are nowhere."""
    table = Table("name", "admin", "created", "revoked")
    with plain_errors():
        for key in read_keys(_file()):
            admin = "yes" if key.admin else ""
            table.add_row(key.name, admin, _shown(key.created), _shown(key.revoked))
    out.print(table)


@keys_app.command()
def revoke(name: Name) -> None:
    """Make an API key worthless, and the upload tokens that were got with it; at once."""
    with plain_errors():
        revoke_key(_file(), name)
    say(out, f"{name} is revoked.")


def _file() -> Path:
    path = read_settings().keys_file
    if path is None:
        raise SetupError("Set TAGGRAM_KEYS_FILE to the file that keeps the API keys' hashes")
    return path


def _shown(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC" if moment else ""
