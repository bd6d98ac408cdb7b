"""The exported table, and the acceptance of suggestions."""

import asyncio
import csv
import random
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain import Feedback
from app.errors import SetupError
from app.feedback import export as exporting
from app.feedback.export import TABLE, Acceptance, acceptance, export
from app.text import csv_cell
from tests.support.feedback import disk_with, feedback, keep, rows

TAGS = st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1, max_size=100)
GIVEN = st.builds(
    lambda tags, accepted, shown, vocabulary: feedback(
        tuple(zip(tags[:shown], accepted, strict=False)),
        tuple(tags[shown:]),
        vocabulary=vocabulary,
    ),
    st.lists(TAGS, min_size=1, max_size=8, unique=True),
    st.lists(st.booleans(), min_size=8, max_size=8),
    st.integers(0, 8),
    st.sampled_from(["genres", "subgenres"]),
)


def silently(done: int, total: int) -> None:
    """Nobody watches."""


def exported(source: Path, target: Path) -> Path:
    export(source, target, silently)
    return target


@given(st.lists(GIVEN, max_size=5))
def test_both_tables_hold_the_stored_feedback(stored: list[Feedback]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "feedback.sqlite"
        asyncio.run(keep(source, *stored))
        kept = rows(source)
        parquet = pq.read_table(exported(source, Path(folder) / "table.parquet"))
        with exported(source, Path(folder) / "table.csv").open(newline="") as file:
            lines = list(csv.DictReader(file))

    expected = [
        {**row, "given_at": f"{row['given_at'].isoformat(timespec='milliseconds')[:-6]}Z"}
        for row in parquet.to_pylist()
    ]
    assert expected == kept
    assert [line["tag"] for line in lines] == [csv_cell(row["tag"]) for row in kept]
    for line, row in zip(lines, kept, strict=True):
        assert line["rank"] == ("" if row["rank"] is None else str(row["rank"]))
        assert (float(line["score"]) if line["score"] else None) == row["score"]
        assert (line["verdict"], line["models"]) == (row["verdict"], row["models"])


def test_columns_have_types_and_name_their_release(tmp_path: Path) -> None:
    source = tmp_path / "feedback.sqlite"
    asyncio.run(keep(source))
    schema = pq.read_schema(exported(source, tmp_path / "empty.parquet"))
    assert schema.equals(TABLE)
    assert schema.field("given_at").type == pa.timestamp("ms", "UTC")
    assert schema.metadata[b"taggram_feedback_version"] == b"1"
    with exported(source, tmp_path / "empty.csv").open(newline="") as file:
        assert next(csv.reader(file)) == TABLE.names


def test_rows_beyond_one_batch_are_written_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "BATCH_ROWS", 7)
    source = tmp_path / "feedback.sqlite"
    asyncio.run(keep(source, *(feedback() for _ in range(10))))
    on_progress: list[tuple[int, int]] = []
    target = tmp_path / "table.parquet"
    assert export(source, target, lambda *news: on_progress.append(news)) == 30
    assert on_progress == [(7, 30), (14, 30), (21, 30), (28, 30), (30, 30)]
    table = pq.read_table(target)
    assert table["tag"].to_pylist() == [row["tag"] for row in rows(source)]


def test_a_failed_export_leaves_the_old_table(tmp_path: Path) -> None:
    source = tmp_path / "feedback.sqlite"
    words = tuple(f"{number} {'x' * 90}" for number in range(20))
    asyncio.run(keep(source, *(feedback(added=words) for _ in range(100))))
    data = bytearray(source.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 40_000] = random.Random(0).randbytes(40_000)
    source.write_bytes(data)
    target = tmp_path / "table.csv"
    target.write_text("yesterday's")
    with pytest.raises(SetupError, match=r"feedback\.sqlite.*malformed"):
        exported(source, target)
    assert target.read_text() == "yesterday's"
    others = {path.name for path in tmp_path.iterdir() if not path.name.startswith(source.name)}
    assert others == {"table.csv"}


@pytest.mark.parametrize("name", ["table.csv", "table.parquet"])
def test_an_export_to_a_full_disk_leaves_nothing_behind(name: str, tmp_path: Path) -> None:
    source, folder = tmp_path / "feedback.sqlite", tmp_path / "tables"
    folder.mkdir()
    words = random.Random(0)  # which no format makes shorter
    stored = (tuple(words.randbytes(45).hex() for _ in range(20)) for _ in range(50))
    asyncio.run(keep(source, *(feedback(added=added) for added in stored)))
    with disk_with(40_000), pytest.raises(SetupError, match=f"{name} can't be written: "):
        exported(source, folder / name)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("source", "target", "words"),
    [
        ("missing.sqlite", "table.csv", "missing.sqlite.*No such file"),
        ("feedback.sqlite", "table.xlsx", r"\.parquet nor \.csv"),
        ("feedback.sqlite", "missing/table.csv", "missing/table.csv can't be written: No such"),
    ],
)
def test_an_unreadable_or_unwritable_file_is_named(
    source: str, target: str, words: str, tmp_path: Path
) -> None:
    asyncio.run(keep(tmp_path / "feedback.sqlite"))
    with pytest.raises(SetupError, match=words):
        exported(tmp_path / source, tmp_path / target)
    assert not (tmp_path / "missing.sqlite").exists()


def test_acceptance_covers_the_first_k_by_vocabulary_and_models(tmp_path: Path) -> None:
    source = tmp_path / "feedback.sqlite"
    given = [
        feedback((("ambient", True), ("dub", False), ("techno", True))),
        feedback((("ambient", False), ("dub", False))),
        feedback((("rock", True),), vocabulary="genres"),
        feedback((), ("of one's own",), vocabulary="genres"),
    ]
    asyncio.run(keep(source, *given))
    models = "msd-musicnn/1 mtt-musicnn/2"
    assert acceptance(source) == [
        Acceptance("genres", models, k=1, shown=1, accepted=1),
        Acceptance("subgenres", models, k=1, shown=2, accepted=1),
        Acceptance("subgenres", models, k=2, shown=4, accepted=1),
        Acceptance("subgenres", models, k=3, shown=5, accepted=2),
    ]


def counted(stored: list[Feedback]) -> Iterator[tuple[str, int, int, int]]:
    """Vocabulary, k, shown and accepted, each from the start."""
    for vocabulary in ("genres", "subgenres"):
        lists = [given.shown for given in stored if given.vocabulary == vocabulary]
        for k in range(1, max(map(len, lists), default=0) + 1):
            first = [tag for shown in lists for tag in shown[:k]]
            yield vocabulary, k, len(first), sum(tag.accepted for tag in first)


@given(st.lists(GIVEN, max_size=8))
def test_acceptance_agrees_with_counting(stored: list[Feedback]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "feedback.sqlite"
        asyncio.run(keep(source, *stored))
        found = acceptance(source)
    assert [(row.vocabulary, row.k, row.shown, row.accepted) for row in found] == [*counted(stored)]
