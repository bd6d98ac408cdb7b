"""Processes that write one file, that are killed while they do, or that read it meanwhile."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from threading import Barrier

import pyarrow.parquet as pq

from app.feedback.export import export
from tests.conftest import REPOSITORY
from tests.support.feedback import feedback, keep, rows

Rows = list[dict[str, object]]

EACH = 50
CROWD = 8
WRITER = """
import asyncio, sys
from contextlib import suppress
from pathlib import Path
from app.errors import RequestError
from app.feedback import file
from tests.support.feedback import feedback, storing

file.LOCK_TIMEOUT_S = 60  # four take turns, on a slow disk too

async def write(path, name, count, at_a_time):
    async with storing(Path(path)) as store:
        for number in range(int(count)):
            if number % int(at_a_time) == 0:
                sys.stdin.readline()
            given = feedback(added=(f"{name} {number}",))
            while True:
                with suppress(RequestError):  # the file was moved while it was written
                    await store.keep(given)
                    break
            print(number, flush=True)

asyncio.run(write(*sys.argv[1:]))
"""


def writer(
    path: Path, name: str, count: int, at_a_time: int | None = None
) -> subprocess.Popen[str]:
    """A process that opens the file, and writes for each line it gets: by default all at once."""
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, path, name, str(count), str(at_a_time or count)],
        cwd=REPOSITORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def write_on(writers: Sequence[subprocess.Popen[str]]) -> None:
    """Let all write."""
    for process in writers:
        process.stdin.write("\n")
        process.stdin.flush()


def keep_at(moment: Barrier, path: Path) -> list[bool]:
    moment.wait(300)
    return asyncio.run(keep(path, feedback()))


def test_processes_that_create_and_write_one_file_at_once_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "feedback.sqlite"
    names = ["one", "two", "three", "four"]
    writers = [writer(path, name, EACH) for name in names]
    write_on(writers)
    for process in writers:
        process.communicate(timeout=300)
        assert process.returncode == 0
    added = [str(row["tag"]) for row in rows(path) if row["verdict"] == "added"]
    for name in names:
        own = [tag for tag in added if tag.startswith(f"{name} ")]
        assert own == [f"{name} {number}" for number in range(EACH)]


def test_a_file_that_is_moved_repeatedly_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "feedback.sqlite"
    names = ["one", "two", "three"]
    writers = [writer(path, name, EACH, at_a_time=1) for name in names]
    rotated = []
    for _ in range(EACH):
        write_on(writers)
        if path.exists():
            rotated.append(path.rename(tmp_path / f"{len(rotated)}.sqlite"))
        for process in writers:
            process.stdout.readline()
    for process in writers:
        process.communicate(timeout=300)
        assert process.returncode == 0
    assert len(rotated) >= EACH // 2 - 1  # where there was no file to move, the next time there is
    kept = [row["tag"] for each in (*rotated, path) if each.exists() for row in rows(each)]
    assert {f"{name} {number}" for name in names for number in range(EACH)} <= set(kept)


def test_processes_that_find_no_file_create_a_single_one(tmp_path: Path) -> None:
    with ThreadPoolExecutor(CROWD) as crowd:
        for attempt in range(10):
            path = tmp_path / f"{attempt}.sqlite"
            together = Barrier(CROWD)
            kept = crowd.map(partial(keep_at, together), [path] * CROWD)
            assert list(kept) == [[True]] * CROWD
            assert len(rows(path)) == 3 * CROWD
    assert {each.suffix for each in tmp_path.iterdir()} == {".sqlite"}


def assert_whole(kept: Rows) -> dict[object, list[object]]:
    """No feedback lacks a row; the verdicts of each."""
    by_id: dict[object, list[object]] = {}
    for row in kept:
        by_id.setdefault(row["feedback_id"], []).append(row["verdict"])
    assert set(map(tuple, by_id.values())) == {("accepted", "rejected", "added")}
    return by_id


@contextmanager
def busy(path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process amid writing, that doesn't end by itself."""
    process = writer(path, "busy", 1_000_000)
    try:
        write_on([process])
        while int(process.stdout.readline()) < EACH:
            pass
        yield process
    finally:
        process.kill()
        process.communicate(timeout=300)


def test_a_process_killed_while_writing_leaves_complete_feedback(tmp_path: Path) -> None:
    path = tmp_path / "feedback.sqlite"
    with busy(path) as process:
        process.send_signal(signal.SIGKILL)
        numbers = [int(line) for line in process.communicate(timeout=300)[0].split()]
    assert process.returncode == -signal.SIGKILL

    kept = rows(path)
    by_id = assert_whole(kept)
    assert len(by_id) > max(numbers, default=EACH)
    assert kept == rows(path)


def test_a_table_is_complete_while_the_service_keeps_writing(tmp_path: Path) -> None:
    path, target = tmp_path / "feedback.sqlite", tmp_path / "table.parquet"
    on_progress: list[tuple[int, int]] = []
    with busy(path) as process:
        count = export(path, target, lambda *news: on_progress.append(news))
        while int(process.stdout.readline()) <= count // 3:
            pass  # later rows were stored after the table was read
    table = pq.read_table(target).to_pylist()
    assert len(table) == count == on_progress[-1][0] == on_progress[-1][1] > 3 * EACH
    assert_whole(table)
    kept = [row["tag"] for row in rows(path)]
    assert len(kept) > count
    assert [row["tag"] for row in table] == kept[:count]
