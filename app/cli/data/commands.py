"""The command `taggram data` with its subcommands."""

import typer

from app.cli.data.audit import audit
from app.cli.data.describe import describe
from app.cli.data.fetch import fetch
from app.cli.data.listen import listen
from app.cli.data.merge import merge
from app.cli.data.report import report
from app.cli.data.split import split
from app.cli.data.store import store

data_app = typer.Typer(
    no_args_is_help=True, help="Prepare datasets: clean, merge, split, fetch and decode."
)
data_app.command()(audit)
data_app.command()(describe)
data_app.command()(fetch)
data_app.command()(listen)
data_app.command()(merge)
data_app.command()(report)
data_app.command()(split)
data_app.command()(store)
