"""What an operator has published: read anew at each start and each reload, and checked whole."""

from collections.abc import Mapping

from app.errors import ManifestError, SetupError
from app.settings import Settings
from app.store.manifest.manifest import Manifest, manifests
from app.store.registry.aliases import resolve
from app.store.registry.weights import check_ready
from app.store.storage.store import Store
from app.tagging.catalog import ModelCatalog
from app.tagging.model_vocabularies import with_learnt
from app.tagging.vocabulary_file import read_vocabularies

Published = Mapping[str, tuple[Manifest, ...]]


def read_catalog(settings: Settings) -> ModelCatalog:
    """The models to serve and the vocabularies.

    Raises:
        SetupError: A manifest, a vocabulary or a model's weights are wrong or missing, or a model
            was trained on other tags than its vocabulary has here.
    """
    store = Store(settings.model_store)
    published = manifests(store)
    _check_distinct("TAGGRAM_MODELS", settings.models)
    models = tuple(_ready(store, published, wanted) for wanted in settings.models)
    vocabularies = read_vocabularies(settings.vocabulary_files, _families(published))
    return ModelCatalog(
        models,
        with_learnt(vocabularies, models),
        askable=_askable(settings, models),
        at_most=settings.max_loaded_models,  # more would be loaded in turns, for each request
    )


def _askable(settings: Settings, models: tuple[Manifest, ...]) -> tuple[Manifest, ...]:
    """The models that vocabularies may ask."""
    by_name = {model.name: model for model in models}
    _check_distinct("TAGGRAM_VOCABULARY_MODELS", settings.vocabulary_models)
    for name in settings.vocabulary_models:
        if name not in by_name:
            raise SetupError(
                f"TAGGRAM_VOCABULARY_MODELS names {name!r}, but TAGGRAM_MODELS brings no model of "
                f"that name; choose from {', '.join(by_name)}"
            )
    return tuple(by_name[name] for name in settings.vocabulary_models or by_name)


def _ready(store: Store, published: Published, wanted: str) -> Manifest:
    try:
        manifest = resolve(store, published, wanted)
    except ManifestError as error:
        raise ManifestError(f"TAGGRAM_MODELS: {error}") from error
    check_ready(store, manifest)
    return manifest


def _check_distinct(setting: str, models: tuple[str, ...]) -> None:
    """Refuse two versions of a model: requests ask for it by its name alone."""
    names = [wanted.partition("/")[0] for wanted in models]
    for name in names:
        if names.count(name) > 1:
            raise SetupError(
                f"{setting} names {name!r} more than once; one version of it can be served"
            )


def _families(published: Published) -> dict[str, set[str]]:
    families: dict[str, set[str]] = {}
    for versions in published.values():
        for manifest in versions:
            families.setdefault(manifest.tags.family, set()).update(manifest.tags.names)
    return families
