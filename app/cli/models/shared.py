"""Arguments, look-ups and reports that several subcommands share."""

from typing import Annotated

import typer

from app.cli.console import err, out, say
from app.domain import ModelRef
from app.store.importers.available_models import Available
from app.store.manifest.manifest import Manifest, manifests
from app.store.storage.store import Store

Name = Annotated[str, typer.Argument(help="The model's name.")]
Version = Annotated[str, typer.Argument(help="The version, a number.")]
AliasName = Annotated[str, typer.Option("--alias", help="The alias of a version.")]


def list_published(store: Store) -> list[Manifest]:
    """Return the manifests of all versions of all models."""
    return [manifest for versions in manifests(store).values() for manifest in versions]


def format_size(model: Available) -> str:
    """Return the size of a model's checkpoint, in MB."""
    return f"{model.checkpoint.size / 1e6:.1f} MB"


def report_published(store: Store, manifest: Manifest) -> None:
    """Print where a version was published, and how to put it in production."""
    say(out, f"{manifest.ref} is published in {store.url}.")
    say(err, f"`taggram models promote {manifest.name} {manifest.version}` puts it in production.")


def report_alias(alias: str, ref: ModelRef) -> None:
    """Print which version an alias points to, and how a service loads it."""
    say(out, f"{ref} is in {alias}.")
    say(err, "A running service loads it on POST /models/reload or SIGHUP.")
