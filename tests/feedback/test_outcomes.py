"""What becomes of recommended curators: stored, summed up, and exported as interactions."""

import asyncio
import csv
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pyarrow.parquet as pq
import pytest

from app.errors import SetupError
from app.feedback.export import ANSWERED, INTERACTIONS, acceptance, export
from app.feedback.outcomes import ArtistCounts, count_by_artist, count_unanswered
from app.feedback.store import FeedbackStore
from tests.support.feedback import as_version_1, feedback, keep, outcomes, rows

TRACK = "cd" * 32


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where feedback is kept."""
    return tmp_path / "feedback.sqlite"


@pytest.fixture
def hours(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each feedback comes an hour after the one before, the first at midnight."""
    times: Iterator[datetime] = (
        datetime(2026, 1, 1) + timedelta(hours=hour) for hour in range(1_000)
    )
    monkeypatch.setattr(FeedbackStore, "_now", lambda _: f"{next(times).isoformat()}.000Z")


def answers(path: Path) -> list[dict[str, object]]:
    target = path.with_name("interactions.parquet")
    export(path, target, lambda *_: None, ANSWERED)
    return pq.read_table(target).to_pylist()


def test_a_row_is_kept_for_each_curator(path: Path) -> None:
    given = outcomes(("c1", "shared"), ("c2", "sent"), track_id=TRACK)
    assert asyncio.run(keep(path, given)) == [True]

    kept = rows(path, "outcomes")
    assert len({row.pop("given_at") for row in kept}) == 1
    fields = {
        "feedback_id": str(given.id),
        "recommendation_id": str(given.recommendation_id),
        "recommender": "curators/3",
        "artist_id": "a1",
        "propensity": 0.5,
        "track_id": TRACK,
    }
    assert kept == [
        {**fields, "curator_id": "c1", "position": 1, "outcome": "shared"},
        {**fields, "curator_id": "c2", "position": 2, "outcome": "sent"},
    ]
    assert rows(path) == []


def test_repeated_outcomes_count_once_and_ids_of_tags_are_others(path: Path) -> None:
    given = outcomes(("c1", "sent"))
    changed = outcomes(("c1", "shared"), again=given.id)
    tags = feedback(again=given.id)
    assert asyncio.run(keep(path, given, changed, tags, tags)) == [True, False, True, False]
    assert [row["outcome"] for row in rows(path, "outcomes")] == ["sent"]
    assert len(rows(path)) == 3


@pytest.mark.usefixtures("hours")
def test_the_latest_outcome_of_a_curator_counts(path: Path) -> None:
    one, other = uuid4(), uuid4()
    given = (
        outcomes(
            ("c1", "sent"), ("c2", "sent"), ("c3", "sent"), recommendation=one, track_id=TRACK
        ),
        outcomes(("c1", "feedback"), recommendation=one),
        outcomes(("c1", "agreed"), ("c2", "declined"), recommendation=one),
        outcomes(("c1", "feedback"), recommendation=other, artist="a2"),
        outcomes(("c1", "shared"), recommendation=one),
    )
    asyncio.run(keep(path, *given))

    found = answers(path)
    shown = [
        (row["artist_id"], row["curator_id"], row["score"], row["track_id"], row["at"].hour)
        for row in found
    ]
    assert shown == [
        ("a1", "c2", 0.0, TRACK, 2),
        ("a2", "c1", 0.25, None, 3),
        ("a1", "c1", 1.0, TRACK, 4),
    ]
    assert {(row["position"], row["propensity"]) for row in found} == {(1, 0.5), (2, 0.5)}
    assert count_unanswered(path) == 1


@pytest.mark.usefixtures("hours")
def test_outcomes_are_counted_by_recommender_and_artist(path: Path) -> None:
    first, second = uuid4(), uuid4()
    given = (
        outcomes(("c1", "sent"), ("c2", "sent"), ("c3", "declined"), recommendation=first),
        outcomes(("c1", "agreed"), recommendation=first),
        outcomes(("c1", "shared"), ("c2", "feedback"), recommendation=second),
        outcomes(("c9", "shared"), recommender="curators/4", artist="a2"),
    )
    asyncio.run(keep(path, *given))

    new = ArtistCounts("curators/4", "a2", 1, 1, 1, 0, 0)
    assert count_by_artist(path) == [ArtistCounts("curators/3", "a1", 2, 5, 2, 1, 1), new]
    # The first recommendation was given before; that its outcome changed later says nothing.
    since = datetime(2026, 1, 1, 1)
    later = [ArtistCounts("curators/3", "a1", 1, 2, 1, 0, 0), new]
    assert count_by_artist(path, since) == later


def test_csv_holds_what_parquet_holds(path: Path) -> None:
    asyncio.run(keep(path, outcomes(("é|1", "declined"), ("c2", "agreed"), track_id=TRACK)))
    target = path.with_name("interactions.csv")
    assert export(path, target, lambda *_: None, ANSWERED) == 2
    with target.open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert [*lines[0]] == INTERACTIONS.names
    assert [(line["curator_id"], float(line["score"])) for line in lines] == [
        ("é|1", 0.0),
        ("c2", 0.5),
    ]


@pytest.mark.parametrize("curator", ["=1+1", "@handle", "a\u202eb"])
def test_an_id_that_csv_can_not_hold_safely_is_refused_there_only(curator: str, path: Path) -> None:
    asyncio.run(keep(path, outcomes((curator, "shared"))))
    target = path.with_name("interactions.csv")
    with pytest.raises(SetupError, match=r"not safe in CSV; export \.parquet"):
        export(path, target, lambda *_: None, ANSWERED)
    assert not target.exists()
    assert [row["curator_id"] for row in answers(path)] == [curator]


def test_a_file_of_the_first_version_is_upgraded_when_it_is_written(path: Path) -> None:
    asyncio.run(keep(path, feedback()))
    as_version_1(path)

    assert asyncio.run(keep(path, feedback(), outcomes(("c1", "shared")))) == [True, True]

    assert len(rows(path)) == 6
    assert [row["score"] for row in answers(path)] == [1.0]


def test_a_file_of_the_first_version_is_read_and_left_unchanged(path: Path) -> None:
    asyncio.run(keep(path, feedback()))
    as_version_1(path)
    before = path.read_bytes()

    assert answers(path) == []
    assert count_by_artist(path) == []
    assert [each.shown for each in acceptance(path)] == [1, 2]
    assert path.read_bytes() == before
