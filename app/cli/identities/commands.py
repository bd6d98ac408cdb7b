"""The command `taggram identities` with its subcommands."""

import typer

from app.cli.identities.build import build
from app.cli.identities.denoise import denoise

identities_app = typer.Typer(
    no_args_is_help=True, help="Tag vectors of artists and curators, from the tags of their tracks."
)
identities_app.command()(build)
identities_app.command()(denoise)
