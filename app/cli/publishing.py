"""`taggram models publish | import-torch | promote | rollback | remove`."""

import json
import logging
from pathlib import Path
from typing import Annotated

import typer

from app.cli.console import ask, err, log_to_stderr, out, plain_errors, say
from app.cli.store_option import StoreUrl, opened
from app.domain import ModelRef
from app.errors import SetupError
from app.store.manifest.manifest import Manifest
from app.store.registry.aliases import PRODUCTION
from app.store.registry.aliases import remove as remove_version
from app.store.registry.aliases import rollback as roll_back
from app.store.storage.store import Store

Name = Annotated[str, typer.Argument(help="The model's.")]
Version = Annotated[str, typer.Argument(help="Its version, a number.")]
AliasName = Annotated[str, typer.Option("--alias", help="What points to a version.")]


def publish(
    folder: Annotated[str, typer.Argument(help="With manifest.toml and the weights; or its URL.")],
    url: StoreUrl = None,
) -> None:
    """Publish a folder as the version that its manifest names, or as the next if it names none."""
    log_to_stderr(logging.WARNING)
    from app.store.registry.publishing import publish_folder

    with plain_errors():
        store = opened(url)
        with err.status("checking"):
            manifest = publish_folder(store, Store(folder))
    _say_published(store, manifest)


def publish_run(
    run: Annotated[Path, typer.Argument(help="A folder of `taggram train`.")],
    name: Annotated[str | None, typer.Option(help="What the model is to be called.")] = None,
    evaluation: Annotated[
        Path | None, typer.Option(help="evaluation.json of `taggram evaluate`.")
    ] = None,
    licence: Annotated[str, typer.Option(help="Under which terms it may be used.")] = "",
    citation: Annotated[str, typer.Option(help="What to cite.")] = "",
    url: StoreUrl = None,
) -> None:
    """Publish what was trained, with its vocabulary, figures, thresholds and calibration."""
    log_to_stderr(logging.WARNING)
    with plain_errors():
        from app.evaluation.evaluate import read_evaluation
        from app.training.run import publishing

        store = opened(url)
        figures = read_evaluation(evaluation) if evaluation else None
        with err.status("checking"):
            manifest = publishing.publish_run(
                store, run, name=name, evaluation=figures, licence=licence, citation=citation
            )
    _say_published(store, manifest)


def import_torch(
    checkpoint: Annotated[Path, typer.Argument(metavar="FILE", help="A PyTorch state dict.")],
    name: Annotated[str, typer.Option(help="What the model is to be called.")],
    architecture: Annotated[str, typer.Option(help="Which of our networks it belongs to.")],
    tags: Annotated[Path, typer.Option(help="A file with a tag a line, in the outputs' order.")],
    family: Annotated[
        str, typer.Option(help="What vocabularies call these tags; the name if not given.")
    ] = "",
    arguments: Annotated[str, typer.Option(help="The architecture's own, as JSON.")] = "{}",
    summary: Annotated[str, typer.Option(help="What it is, in a sentence.")] = "",
    licence: Annotated[str, typer.Option(help="Under which terms it was released.")] = "",
    origin: Annotated[str, typer.Option("--url", help="Where it was released.")] = "",
    citation: Annotated[str, typer.Option(help="What to cite.")] = "",
    dataset: Annotated[str | None, typer.Option(help="What its figures were measured on.")] = None,
    roc_auc: Annotated[float | None, typer.Option(help="Mean over tags, 0 to 1.")] = None,
    pr_auc: Annotated[float | None, typer.Option(help="Mean over tags, 0 to 1.")] = None,
    url: StoreUrl = None,
) -> None:
    """Convert a checkpoint that was released for PyTorch, and publish it as the next version."""
    log_to_stderr(logging.WARNING)
    from app.store.importers import importing

    figures = {"dataset": dataset, "roc_auc": roc_auc, "pr_auc": pr_auc}
    given = {key: value for key, value in figures.items() if value is not None}
    with plain_errors():
        store = opened(url)
        released = importing.Released(
            name=name,
            architecture=architecture,
            tags=importing.read_tags(tags),
            family=family,
            arguments=_arguments(arguments),
            summary=summary,
            url=origin,
            licence=licence,
            citation=citation,
            evaluation=given or None,
        )
        with err.status("converting and checking"):
            manifest = importing.import_torch(store, checkpoint, released)
    _say_published(store, manifest)


def promote(
    name: Name, version: Version, alias: AliasName = PRODUCTION, url: StoreUrl = None
) -> None:
    """Serve this version wherever the model's name is asked for, after checking it."""
    log_to_stderr(logging.WARNING)
    from app.store.registry.publishing import promote as promote_version

    with plain_errors(), err.status("checking"):
        manifest = promote_version(opened(url), f"{name}/{version}", alias)
    _say_in(alias, manifest.ref)


def rollback(name: Name, alias: AliasName = PRODUCTION, url: StoreUrl = None) -> None:
    """Serve the version again that was promoted before the one that serves."""
    with plain_errors():
        ref = roll_back(opened(url), name, alias)
    _say_in(alias, ref)


def remove(
    name: Name,
    version: Version,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    url: StoreUrl = None,
) -> None:
    """Delete a version for good, unless an alias points to it."""
    ref = ModelRef(name, version)
    with plain_errors():
        store = opened(url)
        if not yes:
            ask(f"Delete {ref} from {store.url} for good?", abort=True)
        remove_version(store, ref)
    say(out, f"{ref} is removed.")


def _arguments(text: str) -> dict[str, object]:
    try:
        arguments = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SetupError(f"--arguments: {text!r:.80} is no JSON: {error}") from error
    if not isinstance(arguments, dict):
        raise SetupError('--arguments: a JSON object is needed, as {"channels": [64, 128]}')
    return arguments


def _say_published(store: Store, manifest: Manifest) -> None:
    say(out, f"{manifest.ref} is published in {store.url}.")
    say(err, f"`taggram models promote {manifest.name} {manifest.version}` puts it in production.")


def _say_in(alias: str, ref: ModelRef) -> None:
    say(out, f"{ref} is in {alias}.")
    say(err, "A service that runs takes it over with POST /models/reload or SIGHUP.")
