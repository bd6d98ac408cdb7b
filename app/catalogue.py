"""What an operator has published: read anew at each start and each reload, and checked whole."""

from collections.abc import Mapping

from app.errors import ManifestError, WeightsError
from app.settings import Settings
from app.store.manifest import Manifest, read_store
from app.store.weights import BRING_WEIGHTS, WeightsState, weights_state
from app.tagging.lexicon import Lexicon
from app.tagging.vocabulary_file import read_vocabularies


def read_lexicon(settings: Settings) -> Lexicon:
    """The models to serve and the vocabularies.

    Raises:
        SetupError: A manifest, a vocabulary or a model's weights are wrong or missing.
    """
    published = read_store(settings.model_store)
    models = tuple(_published(name, published, settings) for name in settings.models)
    return Lexicon(models, read_vocabularies(settings.vocabulary_files, _families(published)))


def _published(name: str, published: Mapping[str, Manifest], settings: Settings) -> Manifest:
    if name not in published:
        raise ManifestError(
            f"TAGGRAM_MODELS names {name!r}, which is not published in {settings.model_store}; "
            f"there are {', '.join(sorted(published))}"
        )
    state = weights_state(settings.model_store, published[name])
    if state is not WeightsState.READY:
        raise WeightsError(f"The weights of {name} are {state}; {BRING_WEIGHTS}")
    return published[name]


def _families(published: Mapping[str, Manifest]) -> dict[str, set[str]]:
    families: dict[str, set[str]] = {}
    for manifest in published.values():
        families.setdefault(manifest.tags.family, set()).update(manifest.tags.names)
    return families
