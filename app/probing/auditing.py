"""Find likely label errors: tags that the scores of a probe contradict.

    songs' embeddings --(folds by artist)--> out-of-fold scores --(confident learning)--> issues

A tag is flagged by cleanlab's multi-label rules (Northcutt et al. 2021, Confident
learning, arXiv:1911.00068; Thyagarajan et al. 2022, Identifying incorrect annotations in
multi-label classification data, arXiv:2211.13895): a song with the tag has a score that is typical
of songs without it, or the other way round.
"""

from collections.abc import Container, Sequence
from dataclasses import dataclass, replace

import numpy as np
from cleanlab.multilabel_classification.filter import find_multilabel_issues_per_class
from cleanlab.rank import get_label_quality_scores

from app.datasets.tracks import Track
from app.domain import ModelRef, Precision, Scores, Taggram, TaggramKey, Times
from app.evaluation.metrics import Floats, Labels
from app.front_ends import WindowSpec
from app.probing.embedding import Song
from app.probing.examples import (
    MIN_ARTISTS,
    MIN_SONGS,
    Examples,
    check_examples,
    lacking,
    tags_of,
)
from app.probing.label_issues import LabelIssue
from app.probing.probe import OnProgress, out_of_fold, song_scores
from app.tagging.suggest import find_stretches


@dataclass(frozen=True)
class Audit:
    """The result of an audit.

    Attributes:
        label_issues: The likeliest errors first.
        songs: Number of songs that were compared.
        left_out: By tag with too few songs or artists, their numbers.
    """

    label_issues: tuple[LabelIssue, ...]
    songs: int
    left_out: dict[str, str]


def audit(songs: Sequence[Song], window_spec: WindowSpec, on_progress: OnProgress) -> Audit:
    """Compare the songs' labels with out-of-fold scores.

    Args:
        songs: With their labels.
        window_spec: Of their windows.
        on_progress: See `OnProgress`.

    Returns:
        The likely errors, and the tags that were left out.

    Raises:
        SetupError: There are too few songs, artists or tags.
    """
    left_out = lacking((song.track for song in songs), MIN_SONGS, MIN_ARTISTS)
    compared = [song for song in (_without(each, left_out) for each in songs) if song.track.tags]
    tracks = [song.track for song in compared]
    check_examples(tracks)
    examples = Examples.of(compared, tags_of(tracks))
    windows = out_of_fold(examples, on_progress)
    scored = _Labelled(examples, song_scores(windows))
    label_issues = tuple(
        scored.label_issue(
            tracks[song], song, tag, _taggram(windows[song], compared[song].starts_s, window_spec)
        )
        for song, tag in _likely_wrong(examples.y_true, scored.scores)
    )
    return Audit(label_issues, len(compared), left_out)


@dataclass(frozen=True, eq=False)
class _Labelled:
    """Labels and scores.

    Attributes:
        examples: With the labels.
        scores: Out-of-fold scores, (songs, tags).
    """

    examples: Examples
    scores: Scores

    def label_issue(self, track: Track, song: int, tag: int, taggram: Taggram) -> LabelIssue:
        """Describe the issue of a song's tag.

        Args:
            track: The song's track.
            song: The index of the song.
            tag: The index of the tag.
            taggram: The song's out-of-fold scores.
        """
        y_true, scores = self.examples.y_true, self.scores[song]
        instead = int(np.where(y_true[song], -1, scores).argmax()) if y_true[song, tag] else tag
        return LabelIssue(
            track,
            tag=self.examples.tags[tag],
            is_chosen=bool(y_true[song, tag]),
            score=float(scores[tag]),
            usual=float(np.median(self.scores[y_true[:, tag], tag])),
            instead=self.examples.tags[instead],
            instead_score=float(scores[instead]),
            moments=find_stretches(taggram.scores[:, instead], taggram),
        )


def _without(song: Song, tags: Container[str]) -> Song:
    kept = tuple(tag for tag in song.track.tags if tag not in tags)
    return replace(song, track=replace(song.track, tags=kept))


def _likely_wrong(y_true: Labels, scores: Scores) -> list[tuple[int, int]]:
    """Return the indices of songs and tags that are in doubt, the likeliest error first."""
    labels = [np.flatnonzero(row).tolist() for row in y_true]
    doubtful = find_multilabel_issues_per_class(labels, scores.astype(np.float64), n_jobs=1)
    songs, tags = np.nonzero(doubtful)
    order = np.argsort(_likelihoods(y_true, scores)[songs, tags], kind="stable")
    return list(zip(songs[order].tolist(), tags[order].tolist(), strict=True))


def _likelihoods(y_true: Labels, scores: Scores) -> Floats:
    """Return cleanlab's label quality, (songs, tags): low if a label disagrees with its score."""
    columns = zip(y_true.T, scores.T.astype(np.float64), strict=True)
    agreements = [
        get_label_quality_scores(
            labels.astype(int), np.stack([1 - tag, tag], axis=1), adjust_pred_probs=True
        )
        for labels, tag in columns
    ]
    return np.stack(agreements, axis=1)


def _taggram(windows: Scores, starts_s: Times, window_spec: WindowSpec) -> Taggram:
    last_s = float(starts_s[-1])
    return Taggram(
        TaggramKey("", ModelRef("", ""), Precision.FLOAT32),  # unused
        last_s + window_spec.window_s,
        window_spec.window_s,
        window_spec.hop_s,
        windows,
        peaks=np.zeros((0, 2), np.int8),  # unused
        last_s=last_s,
    )
