"""`taggram models pull`: download published weights."""

import logging
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TransferSpeedColumn

from app.cli.console import ask, err, log_to_stderr, out, plain_errors, say
from app.cli.models.shared import format_size, list_published
from app.cli.store_option import StoreUrl, open_store
from app.errors import SetupError
from app.store.importers.available_models import Available, find_available
from app.store.manifest.manifest import Manifest
from app.store.registry.shipped import publish_shipped
from app.store.registry.weights import WeightsState, how_to_restore, weights_state
from app.store.storage.store import Store


def pull(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME]...", help="Names from `taggram models available`."),
    ] = None,
    mirror: Annotated[
        str | None,
        typer.Option(
            metavar="FOLDER_OR_URL",
            help="A mirror of the checkpoints, with the paths of their release.",
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    wheel: Annotated[
        Path | None,
        typer.Option(help="The wheel musicnn==0.1.0, if it can't be downloaded."),
    ] = None,
    url: StoreUrl = None,
) -> None:
    """Download models by name, convert and publish them, after showing their licences.

    Without a name: get the weights from the wheel of musicnn that are missing or altered. An empty
    store gets the models that Taggram ships first.
    """
    log_to_stderr(logging.WARNING)
    with plain_errors():
        store = open_store(url)
        if mirror and not names:
            raise SetupError(
                "--mirror needs the names of models; `taggram models available` lists them"
            )
        if names:
            _pull_available(store, list(map(find_available, dict.fromkeys(names))), mirror, yes=yes)
        else:
            _pull_from_wheel(store, wheel)


def _pull_available(
    store: Store, models: Iterable[Available], mirror: str | None, *, yes: bool
) -> None:
    wanted = []
    for model in models:
        if stored := model.ready(store):
            say(out, f"{stored.ref} is in {store.url} already.")
        else:
            wanted.append(model)
            _say_terms(model, mirror)
    if wanted and not yes:
        _confirm()
    for model in wanted:
        manifest = _pull_one(store, model, mirror)
        say(out, f"{manifest.ref} is published in {store.url}.")


def _say_terms(model: Available, mirror: str | None) -> None:
    source = model.manifest.source
    say(
        err,
        f"{model.manifest.name}: {format_size(model)} from {mirror or model.checkpoint.base}; "
        f"licence: {source.licence}; trained on {source.trained_on}: {source.data_terms}.",
    )


def _confirm() -> None:
    try:
        agreed = ask("Pull under these terms?")
    except typer.Abort as error:
        err.print()  # end the line of the question
        raise SetupError(
            "nothing was pulled; without a terminal, use `--yes` to agree to the terms"
        ) from error
    if not agreed:
        raise SetupError("nothing was pulled")


def _pull_one(store: Store, model: Available, mirror: str | None) -> Manifest:
    from app.store.importers import download
    from app.store.importers.importing import publish_available

    name, size = model.manifest.name, model.checkpoint.size
    columns = (name, BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress:
        bar = progress.add_task(name, total=size)
        path = download.download_checkpoint(
            model.checkpoint, mirror, lambda count: progress.update(bar, completed=count)
        )
    with err.status(f"{name}: converting and checking"):
        manifest = publish_available(store, model, path)
    download.delete_download(model.checkpoint)
    return manifest


def _pull_from_wheel(store: Store, wheel: Path | None) -> None:
    if store.folder is None:
        raise SetupError(
            f"{store.url}: weights can only be pulled into a folder; from there "
            "`taggram models publish FOLDER --store URL` copies them to another store"
        )
    for ref in publish_shipped(store):
        say(out, f"{ref} is published in {store.url}.")
    missing = [
        manifest
        for manifest in list_published(store)
        if weights_state(store, manifest) is not WeightsState.READY
    ]
    wanted = [manifest for manifest in missing if manifest.source.wheel_checkpoint]
    if wanted:
        _convert_wheel(store, wheel, wanted)
    for manifest in missing:
        if manifest not in wanted:
            say(
                err,
                f"{manifest.ref}: the weights are missing or altered; {how_to_restore(manifest)}",
            )
    others = len(missing) - len(wanted)
    out.print(f"{len(wanted)} pulled, {'all' if not others else 'the other'} weights are in place.")


def _convert_wheel(store: Store, wheel: Path | None, wanted: list[Manifest]) -> None:
    from app.store.importers import musicnn_wheel
    from app.store.registry.verification import verify

    with tempfile.TemporaryDirectory() as folder:
        if wheel is None:
            with err.status(f"fetching {musicnn_wheel.REQUIREMENT}"):
                wheel = musicnn_wheel.fetch(Path(folder))
        musicnn_wheel.check(wheel)
        with Progress(console=err, transient=True) as progress:
            bar = progress.add_task("converting and checking", total=len(wanted))
            for manifest in wanted:
                musicnn_wheel.pull(wheel, store, manifest)
                verify(store, manifest)
                progress.advance(bar)
