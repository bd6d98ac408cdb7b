"""Models of interactions alone, on histories that say what must come out."""

from collections.abc import Sequence

import numpy as np
import pytest

from app.recommender.data import Interactions
from app.recommender.models.base import Recommender, Training
from app.recommender.models.factorisation import Factorisation
from app.recommender.models.neighbours import ArtistNeighbours, CuratorNeighbours
from app.recommender.models.sequential import Sequential
from app.recommender.simulation.simulate import Simulation


def training_of(simulation: Simulation, history: Sequence[tuple[int, int, float]]) -> Training:
    """Return training data with this history of artist, curator and score."""
    artists, curators, scores = (np.array(column) for column in zip(*history, strict=True))
    made = simulation.platform.interactions.take(np.arange(len(history)))
    at = np.datetime64("2025-01-01", "us") + np.arange(len(history)).astype("timedelta64[D]")
    changed = Interactions(
        **{**vars(made), "artists": artists, "curators": curators, "scores": scores, "at": at}
    )
    return Training(simulation.platform.with_interactions(changed), scores)


def groups() -> list[tuple[int, int, float]]:
    """Artists 0 to 9 go with curators 0 to 5, 10 to 19 with 6 to 11; some pairs are missing."""
    return [
        (artist, curator, 1.0)
        for artist in range(20)
        for curator in range(12)
        if (artist < 10) == (curator < 6) and (artist + curator) % 6
    ]


def factorisation() -> Recommender:
    pytest.importorskip("implicit", reason="implicit is not installed")
    return Factorisation()


@pytest.mark.parametrize("make", [CuratorNeighbours, ArtistNeighbours, factorisation])
def test_the_missing_curator_of_the_group_is_found(simulation: Simulation, make: object) -> None:
    assert callable(make)
    model = make()
    model.fit(training_of(simulation, groups()))

    scores = model.score(np.arange(20), np.arange(12))

    for artist in range(20):
        contacted = [curator for first, curator, _ in groups() if first == artist]
        scores[artist, contacted] = -np.inf
        best = int(np.argmax(scores[artist]))
        assert (best < 6) == (artist < 10)


def test_declined_tracks_do_not_make_neighbours(simulation: Simulation) -> None:
    history = [(0, 0, 1.0), (1, 0, 1.0), (1, 1, 0.0), (1, 2, 1.0)]
    model = CuratorNeighbours()
    model.fit(training_of(simulation, history))

    scores = model.score(np.array([0]), np.array([1, 2]))[0]

    assert scores[1] > 0.5 > scores[0]


def test_what_followed_the_last_curators_comes_next(simulation: Simulation) -> None:
    history = [
        *((artist, curator, 1.0) for artist in range(5) for curator in (3, 4)),
        *((artist, curator, 0.0) for artist in range(5, 8) for curator in (3, 5)),
        (9, 3, 0.25),
    ]
    model = Sequential()
    model.fit(training_of(simulation, history))

    scores = model.score(np.array([9]), np.arange(10))[0]

    assert np.argmax(scores) == 4
    assert scores[4] == pytest.approx(5 / 8, abs=1e-4)  # of eight that went on, five accepted


def test_a_factorisation_is_the_same_each_time_and_gives_cold_artists_popular_curators(
    simulation: Simulation,
) -> None:
    models = [factorisation(), factorisation()]
    for model in models:
        model.fit(training_of(simulation, [*groups(), (15, 2, 1.0)]))

    first, second = (model.score(np.arange(30), np.arange(12)) for model in models)

    assert np.array_equal(first, second)
    assert (first[20:].argmax(axis=1) == 2).all()


def test_factors_avoid_curators_who_declined(simulation: Simulation) -> None:
    answers = [(artist, curator) for artist in range(20) for curator in range(12)]
    history = [
        (artist, curator, float((artist < 10) == (curator < 6)))
        for artist, curator in answers
        if (artist + curator) % 6
    ]
    model = factorisation()
    model.fit(training_of(simulation, history))

    scores = model.score(np.arange(20), np.arange(12))

    same = (np.arange(20)[:, np.newaxis] < 10) == (np.arange(12) < 6)
    assert scores[same].min() > scores[~same].max() + 0.3
