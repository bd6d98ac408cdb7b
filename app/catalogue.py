"""What an operator has published: read anew at each start and each reload, and checked whole."""

from collections.abc import Mapping

from app.errors import ManifestError, SetupError
from app.settings import Settings
from app.store.aliases import served
from app.store.manifest import Manifest, manifests
from app.store.store import Store
from app.store.weights import check_ready
from app.tagging.lexicon import Lexicon
from app.tagging.model_vocabularies import with_learnt
from app.tagging.vocabulary_file import read_vocabularies

Published = Mapping[str, tuple[Manifest, ...]]


def read_lexicon(settings: Settings) -> Lexicon:
    """The models to serve and the vocabularies.

    Raises:
        SetupError: A manifest, a vocabulary or a model's weights are wrong or missing, or a model
            was trained on other words than its vocabulary has here.
    """
    store = Store(settings.model_store)
    published = manifests(store)
    _check_distinct(settings.models)
    models = tuple(_ready(store, published, wanted) for wanted in settings.models)
    vocabularies = read_vocabularies(settings.vocabulary_files, _families(published))
    return Lexicon(models, with_learnt(vocabularies, models), _asked(settings, models))


def _asked(settings: Settings, models: tuple[Manifest, ...]) -> tuple[Manifest, ...]:
    """The models that vocabularies ask. More than fit in memory would be loaded in turns."""
    by_name = {model.name: model for model in models}
    for name in settings.vocabulary_models:
        if name not in by_name:
            raise SetupError(
                f"TAGGRAM_VOCABULARY_MODELS names {name!r}, which TAGGRAM_MODELS does not; "
                f"choose from {', '.join(by_name)}"
            )
    chosen = settings.vocabulary_models or tuple(by_name)
    return tuple(by_name[name] for name in chosen[: settings.max_loaded_models])


def _ready(store: Store, published: Published, wanted: str) -> Manifest:
    try:
        manifest = served(store, published, wanted)
    except ManifestError as error:
        raise ManifestError(f"TAGGRAM_MODELS: {error}") from error
    check_ready(store, manifest)
    return manifest


def _check_distinct(models: tuple[str, ...]) -> None:
    """Callers ask for a model by its name alone."""
    names = [wanted.partition("/")[0] for wanted in models]
    for name in names:
        if names.count(name) > 1:
            raise SetupError(
                f"TAGGRAM_MODELS names {name!r} more than once; one version of it can be served"
            )


def _families(published: Published) -> dict[str, set[str]]:
    families: dict[str, set[str]] = {}
    for versions in published.values():
        for manifest in versions:
            families.setdefault(manifest.tags.family, set()).update(manifest.tags.names)
    return families
