"""Arguments, look-ups and reports that several subcommands share."""

from typing import Annotated

import typer

from app.cli.console import err, out, say
from app.domain import ModelRef
from app.store.importers.available_models import Available
from app.store.manifest.manifest import Manifest, manifests
from app.store.manifest.recommender import RecommenderManifest, recommenders
from app.store.registry.aliases import resolve
from app.store.registry.weights import Published
from app.store.storage.store import Store

Name = Annotated[str, typer.Argument(help="The model's name.")]
Version = Annotated[str, typer.Argument(help="The version, a number.")]
AliasName = Annotated[str, typer.Option("--alias", help="The alias of a version.")]


def list_published(store: Store) -> list[Manifest]:
    """Return the manifests of all versions of all models that tag tracks."""
    return [manifest for versions in manifests(store).values() for manifest in versions]


def find_published(store: Store, reference: str) -> Published:
    """Return a version of a model or a recommender.

    Raises:
        ManifestError: It is not published, or a manifest is not valid.
    """
    return resolve(store, all_published(store), reference)


def all_published(store: Store) -> dict[str, tuple[Published, ...]]:
    """Return all versions of all models, and then of all recommenders, by name.

    Raises:
        ManifestError: A manifest is not valid, or there is none.
    """
    found = recommenders(store)
    models = {} if found and not store.refs() else manifests(store)
    return {**models, **found}


def verify_published(store: Store, manifest: Published) -> None:
    """Load a version, and check what it computes against its golden part.

    Raises:
        SetupError: It can't be loaded, or computes something else.
    """
    if isinstance(manifest, RecommenderManifest):
        from app.recommender.serving.recommender import load_recommender

        load_recommender(store, str(manifest.ref))
    else:
        from app.store.registry.verification import verify

        verify(store, manifest)


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
