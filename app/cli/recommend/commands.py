"""The command `taggram recommend` with its subcommands."""

import typer

from app.cli.recommend.demo import demo
from app.cli.recommend.evaluate import evaluate
from app.cli.recommend.simulate import simulate
from app.cli.recommend.train import train

recommend_app = typer.Typer(no_args_is_help=True, help="Recommend curators to artists.")
recommend_app.command()(simulate)
recommend_app.command()(evaluate)
recommend_app.command()(train)
recommend_app.command()(demo)
