"""Feedback for tests, stores that close, and a disk that is full."""

import resource
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path
from uuid import UUID, uuid4

from app.domain import (
    Confidence,
    CuratorOutcome,
    Feedback,
    ModelRef,
    Outcome,
    RecommendationFeedback,
    ShownTag,
)
from app.feedback.store import FeedbackStore

MODELS = (ModelRef("msd-musicnn", "1"), ModelRef("mtt-musicnn", "2"))


def feedback(
    shown: tuple[tuple[str, bool], ...] = (("ambient", True), ("dub", False)),
    added: tuple[str, ...] = ("slow morning",),
    again: UUID | None = None,
    **more: str,
) -> Feedback:
    """What an artist said, or said `again`; each suggestion scores half of the one before it."""
    fields = {
        "track_id": "ab" * 32,
        "vocabulary": "subgenres",
        "vocabulary_version": "1",
        "pooling": "mean",
        **more,
    }
    return Feedback(
        id=again or uuid4(),
        models=MODELS,
        confidence=Confidence.HIGH,
        shown=tuple(ShownTag(tag, 0.5**rank, taken) for rank, (tag, taken) in enumerate(shown, 1)),
        added=added,
        **fields,
    )


def outcomes(
    *became: tuple[str, str],
    recommendation: UUID | None = None,
    recommender: str = "curators/3",
    artist: str = "a1",
    track_id: str | None = None,
    again: UUID | None = None,
) -> RecommendationFeedback:
    """What became of curators, in the order of the list; each was recommended half of the time."""
    return RecommendationFeedback(
        id=again or uuid4(),
        recommendation_id=recommendation or uuid4(),
        recommender=ModelRef(*recommender.split("/")),
        artist_id=artist,
        outcomes=tuple(
            CuratorOutcome(curator, position, 0.5, Outcome(outcome), track_id)
            for position, (curator, outcome) in enumerate(became, 1)
        ),
    )


@asynccontextmanager
async def storing(path: Path) -> AsyncIterator[FeedbackStore]:
    """A store that is closed in the end."""
    store = FeedbackStore(path)
    try:
        yield store
    finally:
        await store.close()


async def keep(path: Path, *given: Feedback | RecommendationFeedback) -> list[bool]:
    """Keep some feedback; which of it was new."""
    async with storing(path) as store:
        return [await store.keep(each) for each in given]


def rows(path: Path, table: str = "feedback") -> list[dict[str, object]]:
    """All that a table of a file keeps, as anybody reads it."""
    with closing(sqlite3.connect(path)) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute(f"SELECT * FROM {table} ORDER BY rowid")]


def as_version_1(path: Path) -> None:
    """Make a file as the first release wrote it."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DROP TABLE outcomes")
        connection.execute("PRAGMA user_version = 1")


@contextmanager
def disk_with(free_bytes: int) -> Iterator[None]:
    """Let files grow no further than this, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (free_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
