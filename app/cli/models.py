"""`taggram models pull | list | verify`."""

import logging
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import track
from rich.table import Table

from app.cli.console import err, log_to_stderr, out, plain_errors, read_settings, say
from app.errors import TaggramError
from app.store.manifest import Manifest, read_store
from app.store.weights import WeightsState, weights_state

models_app = typer.Typer(no_args_is_help=True, help="Bring, list and check the models' weights.")


@models_app.command()
def pull(
    wheel: Annotated[
        Path | None,
        typer.Option(help="The wheel musicnn==0.1.0, where there is no network to fetch it."),
    ] = None,
) -> None:
    """Bring the weights of every published model that lacks them, and check them."""
    log_to_stderr(logging.WARNING)
    with plain_errors():
        store = read_settings().model_store
        lacking = [
            manifest
            for manifest in read_store(store).values()
            if weights_state(store, manifest) is not WeightsState.READY
        ]
        if lacking:
            _pull(wheel, store, lacking)
    out.print(f"{len(lacking)} pulled, all weights are in place.")


@models_app.command("list")
def list_() -> None:
    """List the published models and the state of their weights."""
    table = Table("model", "version", "tags", "weights", "licence", "summary")
    with plain_errors():
        store = read_settings().model_store
        for manifest in read_store(store).values():
            table.add_row(
                manifest.name,
                manifest.version,
                str(len(manifest.tags.names)),
                weights_state(store, manifest),
                manifest.source.licence,
                manifest.summary,
            )
    out.print(table)


@models_app.command()
def verify() -> None:
    """Check each model's weights against its hash, and its scores against its golden ones."""
    log_to_stderr(logging.WARNING)
    from app.store.loading import verify as verify_model

    failed = 0
    with plain_errors():
        store = read_settings().model_store
        published = read_store(store).values()
    for manifest in published:
        try:
            verify_model(store, manifest)
            say(out, f"{manifest.ref}: as published")
        except TaggramError as error:
            failed += 1
            say(err, f"{manifest.ref}: {error}", style="red")
    if failed:
        raise typer.Exit(1)


def _pull(wheel: Path | None, store: Path, manifests: list[Manifest]) -> None:
    from app.store import musicnn_wheel
    from app.store.loading import verify as verify_model

    with tempfile.TemporaryDirectory() as folder:
        if wheel is None:
            with err.status(f"fetching {musicnn_wheel.REQUIREMENT}"):
                wheel = musicnn_wheel.fetch(Path(folder))
        musicnn_wheel.check(wheel)
        for manifest in track(manifests, "converting and checking", console=err):
            musicnn_wheel.pull(wheel, store, manifest)
            verify_model(store, manifest)
