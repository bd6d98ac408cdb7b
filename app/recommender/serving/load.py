"""Loads the recommenders that the settings name, at each start and each reload."""

import logging

from app.errors import SetupError
from app.recommender.serving.recommender import load_recommender
from app.recommender.serving.served import Recommenders, ServedRecommender
from app.recommender.serving.tag_source import find_tag_source
from app.settings import Settings
from app.store.storage.store import Store
from app.tagging.catalog import ModelCatalog

log = logging.getLogger(__name__)


def load_recommenders(settings: Settings, catalog: ModelCatalog) -> Recommenders:
    """Return the recommenders; the settings name at least one.

    Args:
        settings: The model store, and the names of the recommenders.
        catalog: The models and vocabularies that compute tag vectors.

    Raises:
        SetupError: Only a candidate is named, a recommender is missing, altered or invalid, takes
            tags that the service can't compute, or the candidate has other subgenres than the one
            in use.
    """
    if settings.recommender is None:
        raise SetupError(
            "TAGGRAM_RECOMMENDER_CANDIDATE is set, but not TAGGRAM_RECOMMENDER, with which it is "
            "compared; set both, or serve the candidate as TAGGRAM_RECOMMENDER"
        )
    store = Store(settings.model_store)
    current = _load("TAGGRAM_RECOMMENDER", settings.recommender, store, catalog)
    if settings.recommender_candidate is None:
        return Recommenders(current)
    candidate = _load(
        "TAGGRAM_RECOMMENDER_CANDIDATE", settings.recommender_candidate, store, catalog
    )
    _check_pair(current, candidate)
    return Recommenders(current, candidate, settings.recommender_candidate_share)


def _load(setting: str, reference: str, store: Store, catalog: ModelCatalog) -> ServedRecommender:
    try:
        recommender = load_recommender(store, reference)
        return ServedRecommender(recommender, find_tag_source(recommender.manifest, catalog))
    except SetupError as error:
        raise SetupError(f"{setting}: {error}") from error


def _check_pair(current: ServedRecommender, candidate: ServedRecommender) -> None:
    """Refuse a pair of which one accepts requests that the other refuses."""
    old, new = current.recommender.manifest, candidate.recommender.manifest
    if old.ref == new.ref:
        log.warning(
            "TAGGRAM_RECOMMENDER and its candidate are both %s: nothing is compared", old.ref
        )
    if different := set(old.subgenres) ^ set(new.subgenres):
        raise SetupError(
            f"TAGGRAM_RECOMMENDER_CANDIDATE: {new.ref} and {old.ref} have different subgenres, "
            f"such as {min(different)!r}; train both with the same vocabulary"
        )
