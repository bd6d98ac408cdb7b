"""The levels of a report: whole songs, and single windows (chunks)."""

from dataclasses import dataclass

from app.evaluation.figures import Evaluation, LevelFigures


@dataclass(frozen=True)
class Level:
    """The figures of one level, and how texts name its items.

    Attributes:
        figures: The figures.
        noun: The name of one item: `song` or `window`.
        owner: The name of what has the labels, in texts on items.
        total: The number of items.
    """

    figures: LevelFigures
    noun: str
    owner: str
    total: int


def song_level(evaluation: Evaluation) -> Level:
    """Return the level of whole songs, windows pooled by the mean."""
    return Level(evaluation.song_level, "song", "songs", evaluation.tracks)


def chunk_level(evaluation: Evaluation) -> Level | None:
    """Return the level of windows; None if the evaluation was written without it."""
    if evaluation.chunk_level is None:
        return None
    return Level(evaluation.chunk_level, "window", "windows of songs", evaluation.chunks)
