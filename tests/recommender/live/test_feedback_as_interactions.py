"""The loop closes: what became of recommendations is read as a platform's interactions."""

import asyncio
from pathlib import Path

import pytest

from app.domain import Outcome
from app.feedback.export import ANSWERED, export
from app.recommender.data import OUTCOMES
from app.recommender.simulation.simulate import Simulation
from app.recommender.tables.reading import read_platform
from app.recommender.tables.writing import write_platform
from tests.support.feedback import keep, outcomes


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_exported_answers_are_read_as_interactions_without_a_problem(
    kind: str, simulation: Simulation, tmp_path: Path
) -> None:
    platform = simulation.platform
    write_platform(tmp_path / "tables", platform)
    (tmp_path / "tables/interactions.parquet").unlink()
    artist, curators = platform.artists.ids[3], platform.curators.ids[:5]
    track = int(platform.tracks_by_artist[3][0])
    answers = (Outcome.DECLINED, Outcome.FEEDBACK, Outcome.AGREED, Outcome.SHARED, Outcome.SENT)
    file = tmp_path / "feedback.sqlite"
    given = outcomes(
        *zip(curators, answers, strict=True),
        artist=artist,
        track_id=platform.tracks.track_ids[track],
    )
    asyncio.run(keep(file, given))

    export(file, tmp_path / f"tables/interactions.{kind}", lambda *_: None, ANSWERED)
    read, problems = read_platform(str(tmp_path / "tables"), platform.subgenres)

    made = read.interactions
    assert not problems.lost.total()
    assert [read.artists.ids[index] for index in made.artists] == [artist] * 4
    assert [read.curators.ids[index] for index in made.curators] == [*curators[:4]]
    assert tuple(made.scores) == OUTCOMES
    assert made.positions.tolist() == [1, 2, 3, 4]
    assert made.propensities.tolist() == [0.5] * 4
    assert set(made.tracks) == {track}
