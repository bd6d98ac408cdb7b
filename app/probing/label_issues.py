"""Label issues: tags that are probably wrong or missing, and the table of them."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from app.datasets.tracks import Track
from app.domain import Stretch
from app.files import write_atomically
from app.tagging.timeline import format_time
from app.text import csv_cell

CHOSEN, NOT_CHOSEN = "labelled but scored low", "scored high but not labelled"

COLUMNS = (
    "dataset",
    "path",
    "artist",
    "chosen",
    "tag in question",
    "doubt",
    "score",
    "usual score",
    "heard instead",
    "its score",
    "at",
)


@dataclass(frozen=True)
class LabelIssue:
    """A tag of a song that is probably wrong, or probably missing.

    Attributes:
        track: The song.
        tag: The tag.
        is_chosen: Whether the song has the tag.
        score: The tag's score, from a probe that was not trained on the artist.
        usual: The median score of songs with the tag.
        instead: The tag with the highest score that the song lacks; `tag` itself if it is missing.
        instead_score: The score of `instead`.
        moments: The stretches with the highest scores of `instead`, the best first.
    """

    track: Track
    tag: str
    is_chosen: bool
    score: float
    usual: float
    instead: str
    instead_score: float
    moments: tuple[Stretch, ...]

    @property
    def kind(self) -> str:
        """The kind of issue, in words."""
        return CHOSEN if self.is_chosen else NOT_CHOSEN

    @property
    def at(self) -> str:
        """The moments, such as 0:42-1:10."""
        spans = ((format_time(each.start_s), format_time(each.end_s)) for each in self.moments)
        return ", ".join("-".join(span) for span in spans)


def write_label_issues(path: Path, label_issues: Sequence[LabelIssue]) -> None:
    """Write issues as CSV, atomically; cells are escaped, so that none is a formula.

    Raises:
        SetupError: The file can't be written.
    """
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for each in label_issues:
        track, scores = each.track, (each.score, each.usual, each.instead_score)
        score, usual, instead_score = (f"{number:.3f}" for number in scores)
        about = (track.dataset, track.path, track.artist, ";".join(track.tags), each.tag, each.kind)
        cells = (*about, score, usual, each.instead, instead_score, each.at)
        writer.writerow(map(csv_cell, cells))
    write_atomically(path, text.getvalue().encode())
