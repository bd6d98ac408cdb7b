"""The sequential baseline follows campaigns; matrix factorisation finds blocks of tastes."""

from dataclasses import replace

import numpy as np
import pytest

from app.recommender.data import UNKNOWN, Artists, Curators, Interactions, Platform
from app.recommender.models.base import Training
from app.recommender.models.factorisation import Factorisation
from app.recommender.models.sequential import Sequential, number_campaigns
from tests.recommender.small import small_platform

DAY = np.timedelta64(1, "D")


def made_of(rows: list[tuple[int, int, int, float, int]]) -> Interactions:
    """Return interactions of artist, curator, track, score and day."""
    artists, curators, tracks, scores, days = map(np.array, zip(*rows, strict=True))
    nothing = np.full(len(rows), np.nan)
    at = np.datetime64("2025-01-01", "us") + days * DAY
    unknown = np.full(len(rows), UNKNOWN)
    return Interactions(
        artists, curators, tracks, scores, at, unknown, nothing, nothing, nothing, nothing
    )


def trained_on(rows: list[tuple[int, int, int, float, int]]) -> Training:
    """Return training data of as many artists and curators as the rows name, and one more each."""
    one, made = small_platform([1, 0], [1, 0], [0, 1]), made_of(rows)
    artists, curators = int(made.artists.max()) + 2, int(made.curators.max()) + 2

    def repeat(table: Artists | Curators, count: int) -> dict[str, object]:
        return {
            name: np.repeat(value, count, axis=0)
            if isinstance(value, np.ndarray)
            else value * count
            for name, value in vars(table).items()
        }

    platform: Platform = replace(
        one,
        artists=Artists(**repeat(one.artists, artists)),
        curators=Curators(**repeat(one.curators, curators)),
        interactions=made,
    )
    return Training(platform, made.scores)


def test_a_campaign_ends_with_its_track_or_after_a_pause() -> None:
    made = made_of(
        [
            (0, 0, 5, 1, 0),
            (0, 1, 5, 1, 3),
            (0, 2, 6, 1, 4),
            (0, 3, UNKNOWN, 1, 5),
            (0, 4, UNKNOWN, 1, 40),
            (1, 0, UNKNOWN, 1, 40),
        ]
    )

    assert number_campaigns(made).tolist() == [0, 0, 1, 1, 2, 3]


def test_the_curators_of_others_next_campaigns_follow() -> None:
    others = [(artist, 0, 0, 1.0, 0) for artist in range(3)]
    others += [(artist, 1, 1, 1.0, 20) for artist in range(3)]
    others += [(4, 2, 0, 1.0, 0), (4, 3, 1, 1.0, 20), (5, 3, 0, 0.0, 30)]
    model = Sequential()
    model.fit(trained_on([*others, (6, 0, 0, 1.0, 50)]))

    scores = model.score(np.array([6]), np.arange(5))[0]

    assert scores.argmax() == 1
    assert scores[1] > 100 * scores[3]


def test_an_artist_without_campaigns_gets_popular_curators() -> None:
    model = Sequential()
    model.fit(trained_on([(0, 2, 0, 1.0, 0), (1, 2, 0, 1.0, 0), (2, 1, 0, 1.0, 0)]))

    assert model.score(np.array([3]), np.arange(4))[0].argsort()[::-1][:2].tolist() == [2, 1]


def test_factors_find_groups_and_give_artists_without_interactions_popular_curators() -> None:
    pytest.importorskip("implicit", reason="the extra `recommender` is not installed")
    random = np.random.RandomState(0)
    rows = []
    for artist in range(40):
        for curator in range(20):
            if random.uniform() < 0.6:
                same = artist % 2 == curator % 2
                rows.append((artist, curator, 0, 1.0 if same else 0.0, 0))
    model = Factorisation()
    model.fit(trained_on(rows))

    scores = model.score(np.arange(40), np.arange(20))

    same = (np.arange(40)[:, np.newaxis] + np.arange(20)) % 2 == 0
    assert scores[same].mean() > 0.7
    assert np.abs(scores[~same]).mean() < 0.1
    cold = model.score(np.array([40]), np.arange(20))[0]
    popularity = np.bincount([row[1] for row in rows if row[3] > 0], minlength=20)
    assert popularity[cold.argmax()] == popularity.max()
