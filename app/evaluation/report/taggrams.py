"""What a model heard in one song."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.domain import Scores


@dataclass(frozen=True, eq=False)
class SongTaggram:
    """A song's scores over time.

    Attributes:
        title: What it is called.
        tags: The model's.
        times_s: Where each window begins, in seconds.
        scores: (windows, tags), 0 to 1.
        true_tags: What people say that it is; empty where nobody did.

    Raises:
        ValueError: The three do not fit each other.
    """

    title: str
    tags: Sequence[str]
    times_s: Sequence[float]
    scores: Scores
    true_tags: Sequence[str] = ()

    def __post_init__(self) -> None:
        wanted = (len(self.times_s), len(self.tags))
        if self.scores.shape != wanted or 0 in wanted:
            raise ValueError(f"{self.title}: scores of {self.scores.shape}, not of {wanted}")
