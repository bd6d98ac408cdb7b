"""`taggram models publish | import-torch | promote | rollback | remove`."""

import json
import logging
from pathlib import Path
from typing import Annotated

import typer

from app.cli.console import ask, err, log_to_stderr, out, plain_errors, say
from app.cli.store_option import StoreUrl, open_store
from app.domain import ModelRef
from app.errors import SetupError
from app.store.manifest.manifest import Manifest
from app.store.registry.aliases import PRODUCTION
from app.store.registry.aliases import remove as remove_version
from app.store.registry.aliases import rollback as roll_back
from app.store.storage.store import Store

Name = Annotated[str, typer.Argument(help="The model's name.")]
Version = Annotated[str, typer.Argument(help="The version, a number.")]
AliasName = Annotated[str, typer.Option("--alias", help="The alias of a version.")]


def publish(
    folder: Annotated[
        str, typer.Argument(help="The folder or URL of manifest.toml and the weights.")
    ],
    url: StoreUrl = None,
) -> None:
    """Publish a folder as the version in its manifest, or as the next one if it has none."""
    log_to_stderr(logging.WARNING)
    from app.store.registry.publishing import publish_folder

    with plain_errors():
        store = open_store(url)
        with err.status("checking"):
            manifest = publish_folder(store, Store(folder))
    _report_published(store, manifest)


def publish_run(
    run: Annotated[Path, typer.Argument(help="A folder of `taggram train`.")],
    name: Annotated[str | None, typer.Option(help="The model's name.")] = None,
    evaluation: Annotated[
        Path | None, typer.Option(help="evaluation.json of `taggram evaluate`.")
    ] = None,
    licence: Annotated[str, typer.Option(help="The model's licence.")] = "",
    citation: Annotated[str, typer.Option(help="The publication to cite.")] = "",
    url: StoreUrl = None,
) -> None:
    """Publish a trained model, with its vocabulary, figures, thresholds and calibration."""
    log_to_stderr(logging.WARNING)
    with plain_errors():
        from app.evaluation.evaluation_file import read_evaluation
        from app.training.run import publishing

        store = open_store(url)
        figures = read_evaluation(evaluation) if evaluation else None
        with err.status("checking"):
            manifest = publishing.publish_run(
                store, run, name=name, evaluation=figures, licence=licence, citation=citation
            )
    _report_published(store, manifest)


def import_torch(
    checkpoint: Annotated[Path, typer.Argument(metavar="FILE", help="A PyTorch state dict.")],
    name: Annotated[str, typer.Option(help="The model's name.")],
    architecture: Annotated[str, typer.Option(help="The architecture that the weights belong to.")],
    tags: Annotated[
        Path, typer.Option(help="A file with one tag per line, in the order of the outputs.")
    ],
    family: Annotated[
        str,
        typer.Option(
            help="The name by which vocabularies refer to these tags; by default the model's name."
        ),
    ] = "",
    arguments: Annotated[str, typer.Option(help="The architecture's arguments, as JSON.")] = "{}",
    summary: Annotated[str, typer.Option(help="A description, in a sentence.")] = "",
    licence: Annotated[str, typer.Option(help="The licence of the release.")] = "",
    origin: Annotated[str, typer.Option("--url", help="The web page of the release.")] = "",
    citation: Annotated[str, typer.Option(help="The publication to cite.")] = "",
    dataset: Annotated[str | None, typer.Option(help="The dataset of its figures.")] = None,
    roc_auc: Annotated[float | None, typer.Option(help="Mean over tags, 0 to 1.")] = None,
    pr_auc: Annotated[float | None, typer.Option(help="Mean over tags, 0 to 1.")] = None,
    url: StoreUrl = None,
) -> None:
    """Convert a PyTorch checkpoint, and publish it as the next version."""
    log_to_stderr(logging.WARNING)
    from app.store.importers import importing

    figures = {"dataset": dataset, "roc_auc": roc_auc, "pr_auc": pr_auc}
    evaluation = {key: value for key, value in figures.items() if value is not None}
    with plain_errors():
        store = open_store(url)
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
            evaluation=evaluation or None,
        )
        with err.status("converting and checking"):
            manifest = importing.import_torch(store, checkpoint, released)
    _report_published(store, manifest)


def promote(
    name: Name, version: Version, alias: AliasName = PRODUCTION, url: StoreUrl = None
) -> None:
    """Make this version the one that is served by the model's name, after verifying it."""
    log_to_stderr(logging.WARNING)
    from app.store.registry.publishing import promote as promote_version

    with plain_errors(), err.status("checking"):
        manifest = promote_version(open_store(url), f"{name}/{version}", alias)
    _report_alias(alias, manifest.ref)


def rollback(name: Name, alias: AliasName = PRODUCTION, url: StoreUrl = None) -> None:
    """Serve the previously promoted version again."""
    with plain_errors():
        ref = roll_back(open_store(url), name, alias)
    _report_alias(alias, ref)


def remove(
    name: Name,
    version: Version,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
    url: StoreUrl = None,
) -> None:
    """Delete a version permanently, unless an alias points to it."""
    ref = ModelRef(name, version)
    with plain_errors():
        store = open_store(url)
        if not yes:
            ask(f"Delete {ref} from {store.url} permanently?", abort=True)
        remove_version(store, ref)
    say(out, f"{ref} is removed.")


def _arguments(text: str) -> dict[str, object]:
    try:
        arguments = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SetupError(f"--arguments: {text!r:.80} is not valid JSON: {error}") from error
    if not isinstance(arguments, dict):
        raise SetupError('--arguments: not a JSON object such as {"channels": [64, 128]}')
    return arguments


def _report_published(store: Store, manifest: Manifest) -> None:
    say(out, f"{manifest.ref} is published in {store.url}.")
    say(err, f"`taggram models promote {manifest.name} {manifest.version}` puts it in production.")


def _report_alias(alias: str, ref: ModelRef) -> None:
    say(out, f"{ref} is in {alias}.")
    say(err, "A running service loads it on POST /models/reload or SIGHUP.")
