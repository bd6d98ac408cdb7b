"""The command `taggram feedback` with its subcommands."""

import typer

from app.cli.feedback.acceptance import acceptance
from app.cli.feedback.export import export

feedback_app = typer.Typer(
    no_args_is_help=True, help="Export and summarise the feedback of artists."
)
feedback_app.command()(export)
feedback_app.command()(acceptance)
