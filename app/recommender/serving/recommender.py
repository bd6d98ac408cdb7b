"""A published recommender, loaded from the model store."""

from collections.abc import Collection

import numpy as np

from app.domain import Scores
from app.errors import ManifestError, WeightsError
from app.recommender.models.content_model import ContentModel
from app.recommender.models.registry import MODELS
from app.recommender.serving.contents import Contents
from app.recommender.serving.golden import check_golden
from app.recommender.serving.package import unpack_contents
from app.recommender.serving.query import ArtistQuery, Recommendation, Recommendations
from app.recommender.serving.ranking import Ranker
from app.recommender.serving.reasons import Reasons
from app.store.manifest.recommender import RecommenderManifest, RecommenderSpec, recommenders
from app.store.registry.aliases import resolve
from app.store.registry.weights import check_hash, read_file, weights_path
from app.store.storage.store import Store


class PublishedRecommender:
    """Recommends the curators that it was trained on. It is safe to use from several threads.

    Attributes:
        manifest: Its manifest.
    """

    def __init__(self, manifest: RecommenderManifest, contents: Contents, ranker: Ranker) -> None:
        """Join the parts of a recommender, which are checked already; see `load_recommender`."""
        self.manifest = manifest
        self._contents, self._ranker = contents, ranker
        self._reasons = Reasons(manifest.subgenres, manifest.tags, contents)

    def recommend(
        self, query: ArtistQuery, k: int, exclude: Collection[str] = (), seed: int | None = None
    ) -> Recommendations:
        """Return the best curators for an artist, with reasons.

        If the recommender explores, a bandit chooses from them. The same seed gives the same list.

        Args:
            query: The artist.
            k: The number of curators; there are fewer if too few are left.
            exclude: Ids of curators to leave out; unknown ones have no effect.
            seed: The seed of the bandit, within 0..2^32 - 1: another one for each list. None draws
                one.
        """
        bandit = self._contents.bandit
        if bandit is None:
            curators, scores = self._ranker.rank(query, k, exclude)
            propensities = np.ones(len(curators))
        else:
            curators, scores, propensities = self._ranker.explore(query, k, exclude, bandit, seed)
        reasons = self._reasons
        found = [
            Recommendation(
                self._contents.curators[curator],
                score,
                reasons.shared_subgenres(query, curator),
                reasons.shared_tags(query, curator),
                reasons.similar_tracks(query, curator),
                propensity,
            )
            for curator, score, propensity in zip(
                curators.tolist(), scores.tolist(), propensities.tolist(), strict=True
            )
        ]
        return Recommendations(tuple(found), self._ranker.is_cold(query))

    def identity(self, track_id: str) -> Scores | None:
        """Return the tag vector of a track of the platform, (tags,); None if it is not known.

        Args:
            track_id: SHA-256 of the file.
        """
        row = self._contents.tracks.rows.get(track_id)
        return None if row is None else self._contents.tracks.scores[row]


def load_recommender(store: Store, reference: str) -> PublishedRecommender:
    """Load a recommender, and check it against its hash and its golden requests.

    Args:
        store: The model store.
        reference: `name`, `name/version` or `name/alias`.

    Raises:
        ManifestError: It is not published, or its manifest is not valid.
        WeightsError: Its arrays are missing, altered or not valid, or it answers otherwise than
            published.
        SetupError: The store can't be read.
    """
    manifest = resolve(store, recommenders(store), reference)
    return open_recommender(
        manifest, read_file(store, manifest), store.where(weights_path(manifest))
    )


def open_recommender(
    manifest: RecommenderManifest, data: bytes, where: str
) -> PublishedRecommender:
    """Return a recommender, checked as `load_recommender` does.

    Args:
        manifest: Its manifest.
        data: The content of its file of arrays.
        where: The file, as messages name it.

    Raises:
        ManifestError, WeightsError: As for `load_recommender`.
    """
    check_hash(manifest, data, where)
    contents, ranker = restore(manifest, data, where)
    check_golden(manifest, contents, ranker)
    return PublishedRecommender(manifest, contents, ranker)


def restore(spec: RecommenderSpec, data: bytes, where: str) -> tuple[Contents, Ranker]:
    """Return the contents of a package, and the ranker of its model.

    Args:
        spec: The description of the recommender.
        data: The content of its file of arrays.
        where: The file, as messages name it.

    Raises:
        ManifestError: The model is unknown.
        WeightsError: An array is not valid.
    """
    model = _make_model(spec)
    contents = unpack_contents(spec, data, where)
    try:
        model.restore(contents.profiles, contents.parameters)
    except WeightsError as error:
        raise WeightsError(f"{where}: {error}") from error
    if len(model.known_artists) != len(contents.artists):
        raise WeightsError(
            f"{where}: artists.ids has {len(contents.artists):,} ids; expected "
            f"{len(model.known_artists):,}"
        )
    return contents, Ranker(spec.subgenres, contents, model)


def _make_model(spec: RecommenderSpec) -> ContentModel:
    """Return the model of a recommender, without parameters.

    Raises:
        ManifestError: It is unknown, or needs tags that the recommender lacks.
    """
    make = MODELS.get(spec.model)
    model = make() if make is not None else None
    if not isinstance(model, ContentModel):
        raise ManifestError(f"{spec.name}: model: {spec.model!r} can't be served")
    if model.has_tags != bool(spec.tags):
        raise ManifestError(
            f"{spec.name}: tags: the model {spec.model} has "
            f"{'tags, and the manifest none' if model.has_tags else 'none'}; expected the same"
        )
    return model
