"""Styles of an artist: how many, and which track is of which."""

import numpy as np
import pytest
from sklearn.metrics import silhouette_score

from app.recommender.identities.building import IdentityBuilder, PoolingRule
from app.recommender.identities.styles import cluster, find_styles, silhouette
from app.recommender.similarity import unit_rows
from app.recommender.simulation.simulate import Simulation


def around(centres: list[list[float]], each: int, noise: float) -> np.ndarray:
    """Return unit vectors around centres, `each` of every one."""
    random = np.random.RandomState(0)
    rows = np.repeat(np.array(centres, float), each, axis=0)
    return unit_rows(rows + noise * random.normal(size=rows.shape))


def test_silhouettes_are_those_of_scikit_learn() -> None:
    rows = around([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 1]], 5, 0.3)
    clusters = np.array([0, 0, 1, 0, 0] + [1] * 5 + [2] * 4 + [3])

    expected = silhouette_score(rows, clusters, metric="cosine")

    assert silhouette(rows, clusters) == pytest.approx(expected)


def test_clusters_are_found_by_direction_not_by_length() -> None:
    rows = around([[1, 0, 0], [0, 1, 0], [0, 0, 1]], 4, 0.1)

    assert len({tuple(cluster(rows, 3)[start : start + 4]) for start in (0, 4, 8)}) == 3
    assert len(np.unique(cluster(rows, 3))) == 3


@pytest.mark.parametrize("each", [2, 3, 6])
def test_as_many_styles_are_found_as_there_are(each: int) -> None:
    one = around([[1, 1, 1, 1, 0, 0]], 2 * each, 0.3)
    two = around([[1, 1, 0, 0, 0, 0], [0, 0, 0, 1, 1, -1]], each, 0.2)

    assert set(find_styles(one)) == {0}
    assert find_styles(two).tolist() == [0] * each + [1] * each


def test_the_style_with_most_tracks_is_the_first() -> None:
    rows = np.concatenate([around([[1, 0, 0]], 2, 0.1), around([[0, 1, 0]], 5, 0.1)])

    assert find_styles(rows).tolist() == [1, 1, 0, 0, 0, 0, 0]


def test_one_track_is_no_style() -> None:
    rows = np.concatenate([around([[1, 0, 0]], 6, 0.1), around([[0, 1, 0]], 1, 0.1)])

    assert set(find_styles(rows)) == {0}


@pytest.mark.parametrize("count", [1, 2, 3])
def test_few_or_identical_tracks_are_one_style(count: int) -> None:
    assert set(find_styles(np.eye(5)[:count])) == {0}
    assert set(find_styles(np.tile(unit_rows(np.ones((1, 5))), (8, 1)))) == {0}


def test_planted_styles_are_recovered(simulation: Simulation) -> None:
    artists = IdentityBuilder(simulation.platform, simulation.vectors, PoolingRule()).artists()
    tracks = np.bincount(simulation.platform.tracks.artists)
    found = np.bincount(artists.owners)[tracks >= 4]
    planted = simulation.world.artists.styles[tracks >= 4]

    assert (found == planted).mean() > 0.97
