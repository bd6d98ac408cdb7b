"""The command `taggram` with its subcommands."""

from typing import Annotated

import typer

from app.cli.catalogue.commands import catalogue_app
from app.cli.console import out
from app.cli.data.commands import data_app
from app.cli.describe import describe
from app.cli.evaluate import evaluate
from app.cli.explain import explain
from app.cli.feedback.commands import feedback_app
from app.cli.identities.commands import identities_app
from app.cli.keys.commands import keys_app
from app.cli.models.commands import models_app
from app.cli.recommend.commands import recommend_app
from app.cli.serve import serve
from app.cli.tag import tag
from app.cli.teach import teach
from app.cli.train import train
from app.cli.zoo.commands import zoo_app
from app.installation import installed_version

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


def _print_version(is_given: bool) -> None:
    if is_given:
        out.print(f"taggram {installed_version()}", highlight=False)
        raise typer.Exit


@app.callback()
def taggram(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Suggest tags for music, and train and publish the models for it."""


app.add_typer(catalogue_app, name="catalogue")
app.add_typer(data_app, name="data")
app.add_typer(feedback_app, name="feedback")
app.add_typer(identities_app, name="identities")
app.add_typer(keys_app, name="keys")
app.add_typer(models_app, name="models")
app.add_typer(recommend_app, name="recommend")
app.add_typer(zoo_app, name="zoo")
app.command()(describe)
app.command()(evaluate)
app.command()(explain)
app.command()(serve)
app.command()(tag)
app.command()(teach)
app.command()(train)
