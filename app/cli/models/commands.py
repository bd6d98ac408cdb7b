"""The command `taggram models` with its subcommands."""

import typer

from app.cli.models.available import list_available
from app.cli.models.card import card
from app.cli.models.import_network import import_network
from app.cli.models.import_torch import import_torch
from app.cli.models.list import list_
from app.cli.models.promote import promote
from app.cli.models.publish import publish
from app.cli.models.publish_run import publish_run
from app.cli.models.pull import pull
from app.cli.models.remove import remove
from app.cli.models.rollback import rollback
from app.cli.models.verify import verify

models_app = typer.Typer(no_args_is_help=True, help="Publish models, download and verify weights.")
models_app.command("available")(list_available)
models_app.command()(pull)
models_app.command()(publish)
models_app.command()(publish_run)
models_app.command()(import_torch)
models_app.command()(import_network)
models_app.command()(promote)
models_app.command()(rollback)
models_app.command()(remove)
models_app.command("list")(list_)
models_app.command()(verify)
models_app.command()(card)
