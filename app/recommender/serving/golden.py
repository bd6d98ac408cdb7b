"""The golden requests: a recommender is served only if it answers these artists as published."""

from collections.abc import Sequence

import numpy as np

from app.errors import WeightsError
from app.recommender.serving.contents import Contents
from app.recommender.serving.query import ArtistQuery
from app.recommender.serving.ranking import Ranker
from app.store.manifest.recommender import GoldenRequest, GoldenRequests, RecommenderManifest

SEED = 20260101
REQUESTS, TOP = 8, 10
TOLERANCE = 1e-4
"""Sums in float32 differ by less on other machines, also in the network."""

DECIMALS = 6
MOST_SUBGENRES, MOST_TRACKS = 3, 6


def golden_queries(seed: int, subgenres: Sequence[str], contents: Contents) -> list[ArtistQuery]:
    """Return synthetic artists.

    They use `RandomState`, whose stream NumPy guarantees not to change.

    Args:
        seed: The seed.
        subgenres: The names that artists choose from.
        contents: The contents of the package.
    """
    random, space = np.random.RandomState(seed), contents.space
    queries = []
    for _ in range(REQUESTS):
        chosen = random.permutation(len(subgenres))[: random.randint(MOST_SUBGENRES + 1)]
        country = random.randint(len(contents.countries) + 1)
        noise = random.standard_normal((random.randint(MOST_TRACKS + 1), len(space.mean)))
        tracks = np.clip(space.mean + space.spread * noise, 0, 1).astype(np.float32)
        artist = random.randint(2 * len(contents.artists) + 1)  # half of them are new
        queries.append(
            ArtistQuery(
                contents.artists[artist] if artist < len(contents.artists) else None,
                tuple(subgenres[each] for each in chosen),
                contents.countries[country - 1] if country else "",
                tracks,
            )
        )
    return queries


def make_golden(subgenres: Sequence[str], contents: Contents, ranker: Ranker) -> GoldenRequests:
    """Return the answers of a recommender that is to be published."""
    requests = []
    for query in golden_queries(SEED, subgenres, contents):
        curators, scores = ranker.rank(query, TOP)
        rounded = (round(float(score), DECIMALS) for score in scores)
        requests.append(GoldenRequest(curators=tuple(curators.tolist()), scores=tuple(rounded)))
    return GoldenRequests(seed=SEED, tolerance=TOLERANCE, requests=tuple(requests))


def check_golden(manifest: RecommenderManifest, contents: Contents, ranker: Ranker) -> None:
    """Compare the answers of a loaded recommender with the published ones.

    Raises:
        WeightsError: A score differs by more than the tolerance, or a curator is another one
            although its score is not as high.
    """
    golden = manifest.golden
    queries = golden_queries(golden.seed, manifest.subgenres, contents)
    if len(queries) != len(golden.requests):
        raise WeightsError(
            f"{manifest.ref}: golden.requests: there are {len(golden.requests)}; expected "
            f"{len(queries)}"
        )
    for number, (query, request) in enumerate(zip(queries, golden.requests, strict=True), 1):
        curators, scores = ranker.rank(query, len(contents.curators))
        by_curator = dict(zip(curators.tolist(), scores.tolist(), strict=True))
        # Curators with nearly equal scores may have another order, so scores are compared twice.
        same = np.array([by_curator.get(each, np.nan) for each in request.curators])
        published = np.array(request.scores)
        top = scores[: len(published)]
        if len(top) != len(published):
            raise WeightsError(
                f"{manifest.ref}: golden request {number} has {len(published)} published curators "
                f"and {len(top)} now"
            )
        allowed = golden.tolerance * np.maximum(1, np.abs(published))
        # NaN is not within the tolerance either.
        if not ((np.abs(same - published) <= allowed) & (np.abs(top - published) <= allowed)).all():
            raise WeightsError(
                f"{manifest.ref}: the scores of golden request {number} are not those published; "
                "the arrays were changed, or this machine or its libraries compute differently, so "
                "the recommender is not served"
            )
