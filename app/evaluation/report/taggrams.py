"""A model's scores of one song, for the report."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.domain import Scores


@dataclass(frozen=True, eq=False)
class SongTaggram:
    """A song's scores over time.

    Attributes:
        title: The title.
        tags: The model's tags.
        times_s: The start of each window, in seconds.
        window_s: The length of a window, in seconds.
        scores: (windows, tags), 0 to 1.
        true_tags: The song's labels; empty if unknown.

    Raises:
        ValueError: The shape of scores does not match times and tags.
    """

    title: str
    tags: Sequence[str]
    times_s: Sequence[float]
    window_s: float
    scores: Scores
    true_tags: Sequence[str] = ()

    def __post_init__(self) -> None:
        expected = (len(self.times_s), len(self.tags))
        if self.scores.shape != expected or 0 in expected:
            raise ValueError(
                f"{self.title}: scores have the shape {self.scores.shape}, expected {expected}"
            )
