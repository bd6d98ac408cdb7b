"""Reads and checks the models and vocabularies to serve, at each start and each reload."""

from collections.abc import Mapping, Sequence

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
    _check_tags(models)
    backbones = _backbones(store, published, models)
    if settings.commercial:
        _check_licences((*models, *backbones))
    vocabularies = read_vocabularies(settings.vocabulary_files, _families(published))
    return ModelCatalog(
        models,
        add_model_vocabularies(vocabularies, models),
        vocabulary_models=_vocabulary_models(settings, models),
        at_most=settings.max_loaded_models,  # each request would load and evict more than that
        backbones=backbones,
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


def _backbones(
    store: Store, published: Published, models: Sequence[Manifest]
) -> tuple[Manifest, ...]:
    """Return the models with the embeddings that heads among the models score."""
    needed = {model.backbone: model for model in models if model.backbone}
    for ref, head in needed.items():
        if ref not in {each.ref for each in published.get(ref.name, ())}:
            raise ManifestError(
                f"TAGGRAM_MODELS: {head.ref} is a head on the embedding of {ref}, which is not in "
                f"{store.url}; publish it there"
            )
    return tuple(_ready(store, published, str(ref)) for ref in needed)


def _check_tags(models: Sequence[Manifest]) -> None:
    """Refuse models that have only an embedding: they serve as the backbones of heads."""
    for model in models:
        if not model.tags.names:
            raise SetupError(
                f"TAGGRAM_MODELS: {model.ref} has no tags, only an embedding; name a head on it"
            )


def _check_licences(models: Sequence[Manifest]) -> None:
    """Refuse models with a licence that does not allow commercial use, or does not say so."""
    for model in models:
        if not model.source.commercial_use:
            says = "does not allow" if model.source.commercial_use is False else "does not state"
            raise SetupError(
                f"{model.ref}: its licence, {model.source.licence or 'not stated'}, {says} "
                "commercial use; remove it from TAGGRAM_MODELS, or set TAGGRAM_COMMERCIAL=false"
            )


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
