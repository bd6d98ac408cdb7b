"""The command `taggram recommend` with its subcommands."""

import typer

from app.cli.recommend.compare import compare
from app.cli.recommend.demo import demo
from app.cli.recommend.estimate import estimate
from app.cli.recommend.evaluate import evaluate
from app.cli.recommend.sample_size import sample_size
from app.cli.recommend.simulate import simulate
from app.cli.recommend.train import train

recommend_app = typer.Typer(no_args_is_help=True, help="Recommend curators to artists.")
recommend_app.command()(simulate)
recommend_app.command()(evaluate)
recommend_app.command()(train)
recommend_app.command()(compare)
recommend_app.command()(sample_size)
recommend_app.command()(estimate)
recommend_app.command()(demo)
