"""Tables of a platform: what is read, what is left out, and what is reported."""

import csv
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from app.errors import SetupError
from app.recommender.data import UNKNOWN, Platform
from app.recommender.simulation.simulate import Simulation
from app.recommender.tables.problems import Problem, Problems
from app.recommender.tables.reading import read_platform
from app.recommender.tables.rows import TrackRow
from app.recommender.tables.writing import write_platform

SUBGENRES = ("rock", "techno", "jazz")
NOW = datetime(2026, 1, 1, tzinfo=UTC)

Tables = dict[str, list[dict[str, Any]]]


def tables() -> Tables:
    """Return rows of a small platform."""
    return {
        "artists": [
            {"artist_id": 1, "subgenres": ["rock"], "country": "FR", "joined": "2025-01-01"},
            {"artist_id": 2, "subgenres": [], "country": None, "joined": None},
        ],
        "curators": [
            {
                "curator_id": "x",
                "liked": ["rock", "jazz"],
                "neutral": [],
                "disliked": ["techno"],
                "country": "FR",
                "language": "fr",
            },
        ],
        "tracks": [
            {"external_id": 10, "artist_id": 1, "track_id": "f" * 64},
            {"external_id": 20, "artist_id": 2, "track_id": None},
        ],
        "interactions": [
            {
                "artist_id": 2,
                "curator_id": "x",
                "external_id": 20,
                "track_id": None,
                "score": 0,
                "at": "2025-06-02T10:00:00+02:00",
                "position": 3,
                "propensity": 0.25,
            },
            {
                "artist_id": 1,
                "curator_id": "x",
                "external_id": None,
                "track_id": "f" * 64,
                "score": 0.5,
                "at": "2025-06-01T10:00:00",
                "position": None,
                "propensity": None,
            },
        ],
    }


def write_csv(folder: Path, content: Tables) -> None:
    for name, rows in content.items():
        with (folder / f"{name}.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            for row in rows:
                cells = {key: "|".join(v) if isinstance(v, list) else v for key, v in row.items()}
                writer.writerow(cells)


def write_parquet(folder: Path, content: Tables) -> None:
    for name, rows in content.items():
        pq.write_table(pa.Table.from_pylist(rows), folder / f"{name}.parquet")


def read(folder: Path, content: Tables, **options: Any) -> tuple[Platform, Problems]:
    folder.mkdir(exist_ok=True)
    write_csv(folder, content)
    return read_platform(str(folder), SUBGENRES, now=NOW, **options)


def lenient(folder: Path, content: Tables) -> tuple[Platform, Problems]:
    """Read although many of the few rows are left out."""
    return read(folder, content, max_invalid_share=0.9)


@pytest.mark.parametrize("write", [write_csv, write_parquet])
def test_the_four_tables_become_columns_in_the_order_of_time(
    tmp_path: Path, write: Callable[[Path, Tables], None]
) -> None:
    write(tmp_path, tables())

    platform, problems = read_platform(str(tmp_path), SUBGENRES, now=NOW)

    assert problems.counts == {}
    assert platform.artists.ids == ("1", "2")
    assert platform.artists.subgenres.tolist() == [[1, 0, 0], [0, 0, 0]]
    assert platform.artists.countries == ("FR", "")
    assert np.isnat(platform.artists.joined).tolist() == [False, True]
    assert platform.curators.liked.tolist() == [[1, 0, 1]]
    assert platform.curators.disliked.tolist() == [[0, 1, 0]]
    made = platform.interactions
    assert made.artists.tolist() == [0, 1]
    assert made.scores.tolist() == [0.5, 0]
    assert [platform.tracks.external_ids[row] for row in made.tracks] == ["10", "20"]
    assert str(made.at[1]) == "2025-06-02T08:00:00.000000"
    assert made.positions.tolist() == [UNKNOWN, 3]
    assert made.propensities[1] == 0.25
    assert np.isnan(made.propensities[0])


def test_a_table_may_be_a_folder_of_files(tmp_path: Path) -> None:
    content = tables()
    write_parquet(tmp_path, content)
    (tmp_path / "interactions.parquet").unlink()
    (tmp_path / "interactions").mkdir()
    for number, row in enumerate(content["interactions"]):
        pq.write_table(pa.Table.from_pylist([row]), tmp_path / "interactions" / f"{number}.parquet")

    platform, _ = read_platform(str(tmp_path), SUBGENRES, now=NOW)

    assert len(platform.interactions) == 2


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        ("score", 0.3, "one of 0, 0.25, 0.5 and 1"),
        ("score", "good", "one of 0, 0.25, 0.5 and 1"),
        ("score", "", "it is empty"),
        ("score", "nan", "it is 'nan'"),
        ("at", "1/10/2021", "a time in ISO 8601"),
        ("artist_id", "", "an id"),
        ("propensity", 0, "a probability above 0"),
        ("position", 0, "a whole number from 1"),
    ],
)
def test_a_row_with_an_invalid_value_is_left_out_and_named(
    tmp_path: Path, column: str, value: object, expected: str
) -> None:
    content = tables()
    content["interactions"][0][column] = value

    platform, problems = lenient(tmp_path, content)

    assert len(platform.interactions) == 1
    assert problems.counts[Problem.INVALID_VALUE] == 1
    (example,) = problems.examples[Problem.INVALID_VALUE]
    assert example.place == f"interactions.csv, line 2, column {column}"
    assert expected in example.detail


def test_a_line_with_other_cells_is_left_out(tmp_path: Path) -> None:
    write_csv(tmp_path, tables())
    with (tmp_path / "tracks.csv").open("a") as file:
        file.write("30\n40,1,,more,and more\n")

    platform, problems = read_platform(str(tmp_path), SUBGENRES, now=NOW, max_invalid_share=0.5)

    assert platform.tracks.external_ids == ("10", "20")
    assert [each.place for each in problems.examples[Problem.INVALID_VALUE]] == [
        "tracks.csv, line 4",
        "tracks.csv, line 5",
    ]


@pytest.mark.parametrize(
    ("table", "change", "problem", "detail"),
    [
        ("interactions", {"artist_id": "9"}, Problem.UNKNOWN_ARTIST, "'9', which is not in"),
        ("interactions", {"curator_id": "y"}, Problem.UNKNOWN_CURATOR, "'y', which is not in"),
        ("interactions", {"at": "2027-01-01"}, Problem.IN_THE_FUTURE, "2027-01-01"),
        (
            "tracks",
            {"artist_id": "9", "external_id": "30"},
            Problem.UNKNOWN_ARTIST,
            "'9', which is not in",
        ),
        ("artists", {"artist_id": "2"}, Problem.DUPLICATE_ID, "has an earlier row"),
    ],
)
def test_a_row_that_refers_to_nothing_is_left_out_and_named(
    tmp_path: Path, table: str, change: dict[str, object], problem: Problem, detail: str
) -> None:
    content = tables()
    content[table].append({**content[table][0], **change})

    platform, problems = lenient(tmp_path, content)

    assert problems.counts[problem] == 1
    assert detail in problems.examples[problem][0].detail
    counts = (len(platform.artists.ids), len(platform.tracks.artists), len(platform.interactions))
    assert counts == (2, 2, 2)


def test_a_repeated_interaction_counts_once_and_the_last_score_is_used(tmp_path: Path) -> None:
    content = tables()
    row = content["interactions"][0]
    content["interactions"] += [row, {**row, "score": 1}]

    platform, problems = read(tmp_path, content)  # repeated rows lose nothing

    assert sorted(platform.interactions.scores) == [0.5, 1]
    assert problems.counts[Problem.DUPLICATE_INTERACTION] == 1
    assert problems.counts[Problem.REPLACED_INTERACTION] == 1


def test_a_track_of_another_artist_is_named_and_the_interaction_is_kept(tmp_path: Path) -> None:
    content = tables()
    content["interactions"][0]["external_id"] = 10

    platform, problems = read(tmp_path, content)

    assert UNKNOWN in platform.interactions.tracks
    assert "not a track of artist '2'" in problems.examples[Problem.UNKNOWN_TRACK][0].detail


def test_unknown_subgenres_are_listed_and_the_known_ones_used(tmp_path: Path) -> None:
    content = tables()
    content["artists"][0]["subgenres"] = ["rock", "polka"]
    content["curators"][0]["liked"] = ["polka", "zydeco", "techno"]

    platform, problems = read(tmp_path, content)

    assert problems.unknown_subgenres == {"polka": 2, "zydeco": 1}
    assert platform.artists.subgenres[0].tolist() == [1, 0, 0]
    assert "column subgenres" in problems.examples[Problem.UNKNOWN_SUBGENRE][0].place
    assert problems.counts[Problem.CONTRADICTORY_TASTE] == 1


def test_gaps_and_unused_columns_are_named(tmp_path: Path) -> None:
    content = tables()
    del content["tracks"][1]
    content["interactions"][0]["external_id"] = None
    content["curators"].append({**content["curators"][0], "curator_id": "new"})
    for row in content["artists"]:
        row["followers"] = 3

    _, problems = read(tmp_path, content)

    assert problems.examples[Problem.NO_TRACKS][0].detail == "'2' has none"
    assert problems.examples[Problem.NO_HISTORY][0].detail == "'new' has none"
    assert "followers" in problems.examples[Problem.UNUSED_COLUMN][0].detail


def test_too_many_invalid_rows_are_refused(tmp_path: Path) -> None:
    content = tables()
    content["interactions"][0]["score"] = 0.3

    with pytest.raises(SetupError, match=r"1 of 2 rows of interactions.*line 2, column score"):
        read(tmp_path, content)


@pytest.mark.parametrize("table", ["artists", "curators", "tracks", "interactions"])
def test_a_table_without_rows_is_refused(tmp_path: Path, table: str) -> None:
    write_csv(tmp_path, tables())
    path = tmp_path / f"{table}.csv"
    path.write_text(path.read_text().split("\n")[0] + "\n")

    with pytest.raises(SetupError, match=r"is empty|not valid"):
        read_platform(str(tmp_path), SUBGENRES, now=NOW)


def test_a_missing_table_or_column_is_named(tmp_path: Path) -> None:
    write_csv(tmp_path, tables())
    (tmp_path / "tracks.csv").write_text("external_id,artist\n1,2\n")
    with pytest.raises(SetupError, match="tracks has no column artist_id; it has external_id, art"):
        read_platform(str(tmp_path), SUBGENRES, now=NOW)

    (tmp_path / "tracks.csv").unlink()
    with pytest.raises(SetupError, match="no table tracks"):
        read_platform(str(tmp_path), SUBGENRES, now=NOW)


@pytest.mark.parametrize("name", ["artists.parquet", "artists.csv"])
def test_a_file_that_is_not_a_table_is_refused(tmp_path: Path, name: str) -> None:
    write_csv(tmp_path, tables())
    (tmp_path / "artists.csv").unlink()
    (tmp_path / name).write_bytes(b"\xff\xfe\x00")

    with pytest.raises(SetupError, match=name):
        read_platform(str(tmp_path), SUBGENRES, now=NOW)


def test_two_files_of_one_table_are_refused(tmp_path: Path) -> None:
    write_csv(tmp_path, tables())
    write_parquet(tmp_path, tables())

    with pytest.raises(SetupError, match="are the same table"):
        read_platform(str(tmp_path), SUBGENRES, now=NOW)


@pytest.mark.parametrize("value", ["[" * 100_000, '["rock"', '{"rock": 1}', "[1]"])
def test_a_list_that_is_not_one_fails_alone(tmp_path: Path, value: str) -> None:
    content = tables()
    content["artists"].append({**content["artists"][0], "artist_id": 3, "subgenres": value})

    platform, problems = lenient(tmp_path, content)

    assert problems.counts[Problem.INVALID_VALUE] + problems.counts[Problem.UNKNOWN_SUBGENRE] == 1
    assert platform.artists.ids[:2] == ("1", "2")


def test_lists_are_read_as_json_too(tmp_path: Path) -> None:
    content = tables()
    content["artists"][0]["subgenres"] = json.dumps(["jazz", "rock"])

    platform, _ = read(tmp_path, content)

    assert platform.artists.subgenres[0].tolist() == [1, 0, 1]


def test_ids_of_databases_and_of_pandas_are_read_as_text(tmp_path: Path) -> None:
    content = tables()
    artist = uuid4()
    for table in ("artists", "tracks", "interactions"):
        for row in content[table]:
            row["artist_id"] = float(row["artist_id"])
    write_parquet(tmp_path, content)

    platform, problems = read_platform(str(tmp_path), SUBGENRES, now=NOW)

    assert (platform.artists.ids, problems.counts) == (("1", "2"), {})
    row = TrackRow.model_validate({"external_id": artist, "artist_id": 7})
    assert (row.external_id, row.artist_id) == (str(artist), "7")


def test_times_of_pandas_are_read(tmp_path: Path) -> None:
    content = tables()
    write_parquet(tmp_path, content)
    at = [datetime(2025, 6, day, tzinfo=UTC) for day in (1, 2)]
    table = pa.Table.from_pylist([{**row, "at": None} for row in content["interactions"]])
    nanoseconds = pa.array(at, pa.timestamp("ns", "UTC"))
    index = table.column_names.index("at")
    pq.write_table(table.set_column(index, "at", nanoseconds), tmp_path / "interactions.parquet")

    platform, problems = read_platform(str(tmp_path), SUBGENRES, now=NOW)

    assert (len(platform.interactions), problems.counts) == (2, {})


def same(left: Sequence[Any], right: Sequence[Any]) -> bool:
    if isinstance(left, np.ndarray):
        is_float = left.dtype.kind in "fM"
        return bool(np.array_equal(left, right, equal_nan=is_float))
    return left == right


def test_a_simulated_platform_is_read_as_it_was_written(
    simulation: Simulation, tmp_path: Path
) -> None:
    platform = simulation.platform
    write_platform(tmp_path, platform)

    again, problems = read_platform(str(tmp_path), platform.subgenres, now=NOW)

    assert set(problems.counts) <= {Problem.NO_HISTORY}
    for name in ("artists", "curators", "tracks", "interactions"):
        before, after = vars(getattr(platform, name)), vars(getattr(again, name))
        assert [key for key in before if not same(before[key], after[key])] == []
