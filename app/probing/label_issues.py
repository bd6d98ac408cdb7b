"""Tags that people chose beside what is heard: the likeliest mistakes, with what speaks for it.

    songs' embeddings --(artists apart)--> out-of-fold scores --(confident learning)--> doubts

A tag is in doubt by cleanlab's rules for several tags a song (Northcutt et al. 2021, Confident
learning, arXiv:1911.00068; Thyagarajan et al. 2022, Identifying incorrect annotations in
multi-label classification data, arXiv:2211.13895): whoever has it, or has not, is scored as those
usually are of whom the opposite is true.
"""

import csv
import io
from collections.abc import Container, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from cleanlab.multilabel_classification.filter import find_multilabel_issues_per_class
from cleanlab.rank import get_label_quality_scores

from app.datasets.tracks import Track
from app.domain import ModelRef, Precision, Scores, Stretch, Taggram, TaggramKey
from app.evaluation.metrics import Floats, Labels
from app.files import write_atomically
from app.front_ends import WindowSpec
from app.probing.encoder import Song
from app.probing.probe import Examples, OnProgress, out_of_fold, song_scores
from app.probing.teaching import MIN_ARTISTS, MIN_SONGS, check_lesson, lacking, tags_of
from app.tagging.suggest import find_stretches
from app.tagging.timeline import format_time
from app.text import csv_cell

CHOSEN, NOT_CHOSEN = "chosen but not heard", "heard but not chosen"

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
    """A tag of a song that is probably wrong, or probably lacks.

    Attributes:
        track: Which song.
        tag: Which tag.
        is_chosen: Whether the song has it.
        score: Of the tag, from a probe that does not know the artist.
        usual: The median score of songs that have it.
        instead: The best tag that was heard; it is `tag` itself where that lacks.
        instead_score: Its score.
        moments: That speak for `instead`, the best first.
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
        """In words."""
        return CHOSEN if self.is_chosen else NOT_CHOSEN

    @property
    def at(self) -> str:
        """The moments as 0:42-1:10."""
        spans = ((format_time(each.start_s), format_time(each.end_s)) for each in self.moments)
        return ", ".join("-".join(span) for span in spans)


@dataclass(frozen=True)
class Audit:
    """What came of it.

    Attributes:
        label_issues: The likeliest mistakes first.
        songs: How many were compared.
        left_out: Tags that have too few songs or artists, with how many they have.
    """

    label_issues: tuple[LabelIssue, ...]
    songs: int
    left_out: dict[str, str]


def audit(songs: Sequence[Song], window_spec: WindowSpec, on_progress: OnProgress) -> Audit:
    """Compare tags that were chosen with what is heard.

    Args:
        songs: With the tags that people chose.
        window_spec: Of their windows.
        on_progress: See `OnProgress`.

    Raises:
        SetupError: There are too few songs, artists or tags.
    """
    left_out = lacking((song.track for song in songs), MIN_SONGS, MIN_ARTISTS)
    compared = [song for song in (_without(each, left_out) for each in songs) if song.track.tags]
    tracks = [song.track for song in compared]
    check_lesson(tracks)
    examples = Examples.of(compared, tags_of(tracks))
    windows = out_of_fold(examples, on_progress)
    found = _Found(examples, song_scores(windows))
    label_issues = tuple(
        found.label_issue(tracks[song], song, tag, windows[song], window_spec)
        for song, tag in _likely_wrong(examples.y_true, found.scores)
    )
    return Audit(label_issues, len(compared), left_out)


def write_label_issues(path: Path, label_issues: Sequence[LabelIssue]) -> None:
    """Write doubts as CSV, whole or not at all; no cell of it is a formula.

    Raises:
        SetupError: It can't be written.
    """
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for each in label_issues:
        track, scores = each.track, (each.score, each.usual, each.instead_score)
        score, usual, instead_score = (f"{number:.3f}" for number in scores)
        said = (track.dataset, track.path, track.artist, ";".join(track.tags), each.tag, each.kind)
        cells = (*said, score, usual, each.instead, instead_score, each.at)
        writer.writerow(map(csv_cell, cells))
    write_atomically(path, text.getvalue().encode())


@dataclass(frozen=True, eq=False)
class _Found:
    """What is true, and what was heard.

    Attributes:
        examples: With the tags that were chosen.
        scores: Out of fold, (songs, tags).
    """

    examples: Examples
    scores: Scores

    def label_issue(
        self, track: Track, song: int, tag: int, windows: Scores, window_spec: WindowSpec
    ) -> LabelIssue:
        """Why a tag of a song is in doubt."""
        y_true, heard = self.examples.y_true, self.scores[song]
        instead = int(np.where(y_true[song], -1, heard).argmax()) if y_true[song, tag] else tag
        return LabelIssue(
            track,
            tag=self.examples.tags[tag],
            is_chosen=bool(y_true[song, tag]),
            score=float(heard[tag]),
            usual=float(np.median(self.scores[y_true[:, tag], tag])),
            instead=self.examples.tags[instead],
            instead_score=float(heard[instead]),
            moments=find_stretches(windows[:, instead], _grid(windows, window_spec)),
        )


def _without(song: Song, tags: Container[str]) -> Song:
    left = tuple(tag for tag in song.track.tags if tag not in tags)
    return Song(replace(song.track, tags=left), song.windows)


def _likely_wrong(y_true: Labels, scores: Scores) -> list[tuple[int, int]]:
    """Numbers of songs and tags that are in doubt, the likeliest mistake first."""
    chosen = [np.flatnonzero(row).tolist() for row in y_true]
    doubtful = find_multilabel_issues_per_class(chosen, scores.astype(np.float64), n_jobs=1)
    songs, tags = np.nonzero(doubtful)
    order = np.argsort(_likelihoods(y_true, scores)[songs, tags], kind="stable")
    return list(zip(songs[order].tolist(), tags[order].tolist(), strict=True))


def _likelihoods(y_true: Labels, scores: Scores) -> Floats:
    """How well each choice agrees with what is heard, beside how well it usually does."""
    columns = zip(y_true.T, scores.T.astype(np.float64), strict=True)
    agreements = [
        get_label_quality_scores(
            hits.astype(int), np.stack([1 - heard, heard], axis=1), adjust_pred_probs=True
        )
        for hits, heard in columns
    ]
    return np.stack(agreements, axis=1)


def _grid(windows: Scores, window_spec: WindowSpec) -> Taggram:
    """When each window was."""
    duration_s = (len(windows) - 1) * window_spec.hop_s + window_spec.window_s
    key = TaggramKey("", ModelRef("", ""), Precision.FLOAT32)  # nobody asks
    nothing = np.zeros((0, 2), np.int8)
    return Taggram(key, duration_s, window_spec.window_s, window_spec.hop_s, windows, nothing)
