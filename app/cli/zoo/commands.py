"""The command `taggram zoo` with its subcommands."""

import typer

from app.cli.zoo.table import table

zoo_app = typer.Typer(no_args_is_help=True, help="Compare the architectures.")


@zoo_app.callback()
def zoo() -> None:
    """Compare the architectures."""


zoo_app.command()(table)
