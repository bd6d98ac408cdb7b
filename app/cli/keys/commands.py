"""The command `taggram keys` with its subcommands."""

import typer

from app.cli.keys.create import create
from app.cli.keys.list import list_
from app.cli.keys.revoke import revoke

keys_app = typer.Typer(no_args_is_help=True, help="Create, list and revoke API keys.")
keys_app.command()(create)
keys_app.command("list")(list_)
keys_app.command()(revoke)
