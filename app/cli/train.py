"""`taggram train`: train a model from a split and an audio store."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from app.cli.console import err, log_to_stderr, out, plain_errors, read_settings, say
from app.cli.store_option import StoreUrl
from app.cli.sweep import run_sweep
from app.errors import SetupError

if TYPE_CHECKING:
    from app.training.loop.phase import Step
    from app.training.run.train import Finished, TrainRequest


def train(
    split: Annotated[Path, typer.Argument(help="A table of `taggram data split`.")],
    audio_store: Annotated[
        list[Path],
        typer.Option(
            help="An audio store of `taggram data store`; with --sweep, one for each sample rate."
        ),
    ],
    to: Annotated[Path, typer.Option("--to", help="The run's folder; an existing run is resumed.")],
    recipe: Annotated[
        str | None,
        typer.Option(
            help="A built-in recipe, or a YAML file; by default thesis, with --from fine-tune."
        ),
    ] = None,
    architecture: Annotated[
        str | None,
        typer.Option(
            help="Replaces the recipe's architecture; arguments that it does not have are dropped."
        ),
    ] = None,
    seed: Annotated[
        int, typer.Option(min=0, help="Of weights, crops, order and augmentation.")
    ] = 1,
    subset: Annotated[
        float,
        typer.Option(help="The share of the split to train with, artists apart, by the seed."),
    ] = 1.0,
    sweep: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Compare the front ends and settings of a TOML file."),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Number of processes, on a Ray cluster (RAY_ADDRESS, else here); with --sweep, of "
            "trials at a time here, by default one for each GPU.",
        ),
    ] = None,
    mlflow: Annotated[
        str | None, typer.Option(metavar="URL", help="Also log to this MLflow server.")
    ] = None,
    initial: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="MODEL",
            help="Start from the weights of this model: NAME/VERSION, or the folder of a run.",
        ),
    ] = None,
    url: StoreUrl = None,
) -> None:
    """Train a model by a recipe, or many to compare settings; a stopped run is resumed."""
    log_to_stderr(logging.WARNING)
    with plain_errors():
        from app.training.run.initial_model import RECIPE
        from app.training.run.train import TrainRequest

        if sweep and initial:
            raise SetupError("--sweep trains from nothing; leave --from out")
        models = (url or read_settings().model_store) if initial else ""
        recipe = recipe or (RECIPE if initial else "thesis")
        audio, *more = audio_store
        if more and not sweep:
            raise SetupError("--audio-store: a training takes one; --sweep takes several")
        request = TrainRequest(
            split, audio, to, recipe, architecture, seed, mlflow, subset, initial, models,
            tuple(more),
        )  # fmt: skip
        if sweep:
            run_sweep(sweep, request, workers)
            return
        finished = _run(request, workers)
    if finished.missing:
        say(err, f"{len(finished.missing)} tracks of the split are not in the audio store.")
    say(out, f"{to} has the model {finished.name}; evaluate it with `taggram evaluate {to}`.")


def _run(request: "TrainRequest", workers: int | None) -> "Finished":
    """Train by one recipe, in processes of a cluster if their number is given, with progress."""
    from app.training.run.cluster import run_on_cluster
    from app.training.run.train import run

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeRemainingColumn(), console=err, transient=True) as progress:
        bar = progress.add_task("reading", total=None)

        def on_progress(step: "Step") -> None:
            progress.update(bar, description=_words(step), total=step.steps, completed=step.step)

        def show(line: str) -> None:
            say(err, line)

        if workers is None:
            return run(request, on_progress, show)
        return run_on_cluster(request, workers, on_progress, show)


def _words(step: "Step") -> str:
    return (
        f"{step.phase}: stage {step.stage}/{step.stages}, epoch {step.epoch} of at most "
        f"{step.epochs}, loss {step.loss:.4f}"
    )
