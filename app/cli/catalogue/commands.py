"""The command `taggram catalogue` with its subcommands."""

import typer

from app.cli.catalogue.compact import compact
from app.cli.catalogue.compare import compare
from app.cli.catalogue.derive import derive
from app.cli.catalogue.drift import drift
from app.cli.catalogue.duplicates import duplicates
from app.cli.catalogue.status import status
from app.cli.catalogue.tag import tag

catalogue_app = typer.Typer(
    no_args_is_help=True, help="Tag all tracks of a platform, as a Parquet dataset."
)
catalogue_app.command()(tag)
catalogue_app.command()(status)
catalogue_app.command()(derive)
catalogue_app.command()(compare)
catalogue_app.command()(drift)
catalogue_app.command()(duplicates)
catalogue_app.command()(compact)
