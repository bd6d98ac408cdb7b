"""Feedback is stored; errors if it cannot be, and files that are moved."""

import asyncio
import glob
import os
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.errors import Kind, RequestError, SetupError
from app.feedback import file
from app.feedback.export import acceptance, export
from app.feedback.store import MAX_WAITING, FeedbackStore
from tests.support.feedback import disk_with, feedback, keep, rows, storing


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where feedback is kept; its name is none that an address would have."""
    return tmp_path / "feed back?#%41.sqlite"


async def assert_later(store: FeedbackStore) -> None:
    with pytest.raises(RequestError) as refused:
        await store.keep(feedback())
    assert refused.value.kind is Kind.OVERLOADED


def test_a_row_is_kept_for_each_tag(path: Path) -> None:
    given = feedback()
    before = datetime.now(UTC)
    asyncio.run(keep(path, given))

    kept = rows(path)
    times = {row.pop("given_at") for row in kept}
    (time,) = (datetime.fromisoformat(str(time)) for time in times)
    assert before - timedelta(milliseconds=1) <= time <= datetime.now(UTC)
    fields = {
        "feedback_id": str(given.id),
        "track_id": "ab" * 32,
        "models": "msd-musicnn/1 mtt-musicnn/2",
        "vocabulary": "subgenres",
        "vocabulary_version": "1",
        "pooling": "mean",
        "confidence": "high",
    }
    assert kept == [
        {**fields, "tag": "ambient", "rank": 1, "score": 0.5, "verdict": "accepted"},
        {**fields, "tag": "dub", "rank": 2, "score": 0.25, "verdict": "rejected"},
        {**fields, "tag": "slow morning", "rank": None, "score": None, "verdict": "added"},
    ]


def test_repeated_feedback_is_stored_once_even_by_another_process(path: Path) -> None:
    given = feedback()
    other_words = feedback((("techno", True),), (), given.id)
    assert asyncio.run(keep(path, given, given)) == [True, False]
    assert asyncio.run(keep(path, other_words)) == [False]
    assert [row["tag"] for row in rows(path)] == ["ambient", "dub", "slow morning"]


TRIGGERS = """
CREATE TRIGGER feedback_is_not_changed BEFORE UPDATE ON feedback
BEGIN SELECT RAISE(ABORT, 'feedback is only appended'); END;
CREATE TRIGGER feedback_is_not_deleted BEFORE DELETE ON feedback
BEGIN SELECT RAISE(ABORT, 'feedback is only appended'); END;
CREATE TRIGGER feedback_is_not_replaced BEFORE INSERT ON feedback
WHEN EXISTS (SELECT 1 FROM feedback WHERE feedback_id = NEW.feedback_id AND tag = NEW.tag)
BEGIN SELECT RAISE(ABORT, 'feedback is only appended'); END;
"""
"""What files of earlier releases have."""


def test_a_file_of_an_earlier_release_is_written_and_read(path: Path) -> None:
    given = feedback()
    asyncio.run(keep(path, given))
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(TRIGGERS)

    assert asyncio.run(keep(path, given, feedback())) == [False, True]

    table = path.with_name("table.parquet")
    assert export(path, table, lambda *_: None) == len(rows(path)) == 6
    accepted = [(each.k, each.shown, each.accepted) for each in acceptance(path)]
    assert accepted == [(1, 2, 2), (2, 4, 2)]
    rename(path)
    assert asyncio.run(keep(path, given)) == [True]


@pytest.mark.parametrize(
    "changes",
    [
        {"verdict": "'unknown'"},
        {"tag": "NULL"},
        {"score": "'high'"},
        {"rank": "1.5"},
        {"tag": "'ambient'"},
    ],
    ids=str,
)
def test_rows_that_are_not_valid_feedback_are_refused(changes: dict[str, str], path: Path) -> None:
    asyncio.run(keep(path, feedback()))
    before = rows(path)
    values = {"tag": "'another'", **changes}
    columns = ", ".join(values.get(name, name) for name in before[0])
    with closing(sqlite3.connect(path)) as connection, pytest.raises(sqlite3.IntegrityError):
        connection.execute(f"INSERT INTO feedback SELECT {columns} FROM feedback WHERE rank = 2")
    assert rows(path) == before


def test_only_the_owner_can_read_the_file(path: Path) -> None:
    async def modes() -> set[int]:
        async with storing(path) as store:
            await store.keep(feedback())
            return {each.stat().st_mode & 0o777 for each in path.parent.iterdir()}

    assert asyncio.run(modes()) == {0o600}


def test_a_full_disk_stores_nothing_partially_and_writing_works_again_later(path: Path) -> None:
    many = tuple(f"tag {number} {'x' * 90}" for number in range(20))

    async def fill() -> None:
        async with storing(path) as store:
            await store.keep(feedback())
            size = path.with_name(f"{path.name}-wal").stat().st_size
            with disk_with(size + 5000):  # room for a page, and not for all
                with pytest.raises(RequestError) as refused:
                    await store.keep(feedback(added=many))
                assert refused.value.kind is Kind.OVERLOADED
            assert len(rows(path)) == 3
            assert await store.keep(feedback(added=many))

    asyncio.run(fill())
    assert len(rows(path)) == 3 + 2 + 20


def test_a_locked_file_is_answered_with_a_retry(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file, "LOCK_TIMEOUT_S", 0.05)

    async def wait() -> None:
        async with storing(path) as store:
            with closing(sqlite3.connect(path, isolation_level=None)) as other:
                other.execute("BEGIN IMMEDIATE")
                await assert_later(store)
            assert await store.keep(feedback())

    asyncio.run(wait())
    assert len(rows(path)) == 3


def rename(path: Path) -> None:
    path.rename(path.with_name("rotated"))


def rename_with_its_log(path: Path) -> None:
    for each in list(path.parent.glob(f"{glob.escape(path.name)}*")):
        each.rename(each.with_name(each.name.replace(path.name, "rotated")))


def replace(path: Path) -> None:
    other = path.with_name("other")
    asyncio.run(keep(other, feedback()))
    path.rename(path.with_name("rotated"))
    other.rename(path)


@pytest.mark.parametrize(
    ("move", "there"), [(rename, 0), (rename_with_its_log, 0), (replace, 3), (Path.unlink, 0)]
)
def test_a_moved_or_deleted_file_is_replaced_by_a_new_one(
    move: Callable[[Path], None], there: int, path: Path
) -> None:
    async def rotate() -> None:
        async with storing(path) as store:
            await store.keep(feedback())
            await asyncio.to_thread(move, path)
            assert await store.keep(given := feedback())
            assert not await store.keep(given)

    asyncio.run(rotate())
    assert len(rows(path)) == there + 3
    rotated = path.with_name("rotated")
    assert len(rows(rotated)) == 3 if move is not Path.unlink else not rotated.exists()


def test_feedback_written_to_a_deleted_file_is_answered_with_a_retry(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def delete_first(store: FeedbackStore) -> str:
        path.unlink(missing_ok=True)
        monkeypatch.undo()
        return "2026-01-01T00:00:00.000Z"

    async def delete() -> None:
        async with storing(path) as store:
            monkeypatch.setattr(FeedbackStore, "_now", delete_first)
            await assert_later(store)
            assert await store.keep(feedback())

    asyncio.run(delete())
    assert len(rows(path)) == 3


def test_a_file_that_cannot_be_created_is_answered_with_a_retry(path: Path) -> None:
    folder = path.parent / "folder"
    folder.mkdir()
    path = folder / path.name

    async def fail() -> None:
        async with storing(path) as store:
            folder.rename(folder.with_name("moved"))
            for _ in range(2):
                await assert_later(store)
            folder.mkdir()
            assert await store.keep(feedback())

    asyncio.run(fail())
    assert len(rows(path)) == 3


def test_a_file_of_another_process_in_the_place_of_a_moved_one_stays_whole(path: Path) -> None:
    async def take_turns() -> None:
        async with storing(path) as one:
            await one.keep(feedback())
            rename(path)
            path.mkdir()  # the old file is closed, a new one can't be created
            await assert_later(one)
            path.rmdir()
            async with storing(path) as other:  # whose files may get the inodes of deleted ones
                for store in (other, one, other):
                    assert await store.keep(feedback())

    asyncio.run(take_turns())
    assert (len(rows(path.with_name("rotated"))), len(rows(path))) == (3, 9)


def test_several_processes_follow_a_file_that_is_moved(path: Path) -> None:
    async def rotate() -> None:
        async with storing(path) as one, storing(path) as other:
            await one.keep(feedback())
            await other.keep(feedback())
            rename(path)
            for store in (one, other, one):
                assert await store.keep(feedback())

    asyncio.run(rotate())
    assert (len(rows(path.with_name("rotated"))), len(rows(path))) == (6, 9)


def test_the_number_of_waiting_writers_is_bounded(path: Path) -> None:
    async def crowd() -> None:
        async with storing(path) as store:
            waiting = [asyncio.create_task(store.keep(feedback())) for _ in range(MAX_WAITING)]
            await asyncio.sleep(0)
            await assert_later(store)
            assert all(await asyncio.gather(*waiting))
            assert await store.keep(feedback())

    asyncio.run(crowd())


def sqlite(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def someone_elses(path: Path) -> None:
    sqlite(path, "CREATE TABLE feedback (anything)")


def of_a_later_release(path: Path) -> None:
    FeedbackStore(path)._file.connection.close()
    sqlite(path, "PRAGMA user_version = 7")


WRONG = {
    "no SQLite": (lambda path: path.write_bytes(b"RIFF" * 1000), "file is not a database"),
    "another's": (someone_elses, "another application"),
    "nothing": (Path.touch, "another application"),
    "a later release's": (of_a_later_release, "version 7 .* reads versions 1 to 2"),
    "a folder": (Path.mkdir, "Is a directory"),
    "a pipe": (os.mkfifo, "a pipe"),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_file_of_another_kind_is_named_and_left_unchanged(what: str, path: Path) -> None:
    make, words = WRONG[what]
    make(path)
    before = path.read_bytes() if path.is_file() else None
    with pytest.raises(SetupError, match=f"^{re.escape(str(path))}.*{words}"):
        FeedbackStore(path)
    assert before is None or path.read_bytes() == before


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=r"missing/feedback.*No such file.*TAGGRAM_FEEDBACK_FILE"):
        FeedbackStore(tmp_path / "missing" / "feedback.sqlite")


def test_an_existing_feedback_file_is_opened_again(path: Path) -> None:
    asyncio.run(keep(path, feedback()))
    asyncio.run(keep(path, feedback()))
    with file.open_readable(path) as connection:
        assert connection.execute("SELECT COUNT(*) FROM feedback").fetchone() == (6,)
