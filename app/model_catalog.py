"""Reads and checks the models and vocabularies to serve, at each start and each reload."""

from collections.abc import Mapping

from app.errors import ManifestError, SetupError
from app.settings import Settings
from app.store.manifest.manifest import Manifest, manifests
from app.store.registry.aliases import resolve
from app.store.registry.weights import check_ready
from app.store.storage.store import Store
from app.tagging.catalog import ModelCatalog
from app.tagging.model_vocabularies import add_model_vocabularies
from app.tagging.vocabulary_file import read_vocabularies

Published = Mapping[str, tuple[Manifest, ...]]


def read_catalog(settings: Settings) -> ModelCatalog:
    """Return the models to serve and the vocabularies.

    Raises:
        SetupError: A manifest, a vocabulary or a model's weights are invalid or missing, or a model
            has no tag of the vocabulary that it was trained on.
    """
    store = Store(settings.model_store)
    published = manifests(store)
    _check_distinct("TAGGRAM_MODELS", settings.models)
    models = tuple(_ready(store, published, name) for name in settings.models)
    vocabularies = read_vocabularies(settings.vocabulary_files, _families(published))
    return ModelCatalog(
        models,
        add_model_vocabularies(vocabularies, models),
        vocabulary_models=_vocabulary_models(settings, models),
        at_most=settings.max_loaded_models,  # each request would load and evict more than that
    )


def _vocabulary_models(settings: Settings, models: tuple[Manifest, ...]) -> tuple[Manifest, ...]:
    """Return the models that vocabularies may use."""
    by_name = {model.name: model for model in models}
    _check_distinct("TAGGRAM_VOCABULARY_MODELS", settings.vocabulary_models)
    for name in settings.vocabulary_models:
        if name not in by_name:
            raise SetupError(
                f"TAGGRAM_VOCABULARY_MODELS names {name!r}, which is not in TAGGRAM_MODELS; "
                f"use one of {', '.join(by_name)}"
            )
    return tuple(by_name[name] for name in settings.vocabulary_models or by_name)


def _ready(store: Store, published: Published, name: str) -> Manifest:
    try:
        manifest = resolve(store, published, name)
    except ManifestError as error:
        raise ManifestError(f"TAGGRAM_MODELS: {error}") from error
    check_ready(store, manifest)
    return manifest


def _check_distinct(setting: str, models: tuple[str, ...]) -> None:
    """Refuse two versions of a model: requests name a model without its version."""
    names = [model.partition("/")[0] for model in models]
    for name in names:
        if names.count(name) > 1:
            raise SetupError(
                f"{setting} names {name!r} more than once; only one version can be served"
            )


def _families(published: Published) -> dict[str, set[str]]:
    families: dict[str, set[str]] = {}
    for versions in published.values():
        for manifest in versions:
            families.setdefault(manifest.tags.family, set()).update(manifest.tags.names)
    return families
