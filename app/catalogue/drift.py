"""Drift: how the predictions of two windows of time differ.

The population stability index (PSI) of two distributions p and q over the same bins is the sum of
(p - q) * ln(p / q) (Siddiqi, Credit Risk Scorecards, 2006, who also gives the limits: below .1 no
change, over .25 a large one). It is symmetric, and 0 for equal distributions.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from scipy.spatial.distance import jensenshannon

from app.catalogue.compare import Side
from app.catalogue.scored import score_matrix, scored_rows
from app.domain import Scores
from app.errors import SetupError

Counts = npt.NDArray[np.int64]
"""(bins,), tracks."""

SMALL_PSI, LARGE_PSI = 0.1, 0.25
"""The limits of a moderate and of a large change."""

BINS = 10
"""The scores of a tag are compared in the deciles of the old window."""

FINE_BINS = 512
_LOGIT = 12.0
"""Scores are counted in equal steps of their log odds within this, so that rare tags, whose scores
are all near 0, are resolved too; PSI in deciles is the same for any rising function of scores."""

HALF_TRACK = 0.5
"""Is added to each bin, as the logarithm of no track is infinite."""


class Change(StrEnum):
    """How large a difference of distributions is."""

    NONE = "none"
    MODERATE = "moderate"
    LARGE = "large"


@dataclass(frozen=True)
class Window:
    """A window of time.

    Attributes:
        begin: Its begin; None for all before its end.
        end: Its end, which is not in it; None for all after its begin.
    """

    begin: datetime | None
    end: datetime | None

    @classmethod
    def parse(cls, text: str) -> "Window":
        """Return the window of a text as `2026-11-01..2026-11-08`, in UTC; a side may be empty.

        Raises:
            SetupError: It is not a valid window.
        """
        try:
            first, last = text.split("..")
            begin, end = (_parse_time(side) for side in (first, last))
        except ValueError as error:
            raise SetupError(
                f"{text!r} is not a valid window; write FROM..TO with dates or times, as "
                "2026-11-01..2026-11-08, where TO is not included and a side may be empty"
            ) from error
        if begin and end and begin >= end:
            raise SetupError(f"{text!r} is not a valid window, as it ends before it begins")
        return cls(begin, end)

    def select(self, table: pa.Table) -> pa.Table:
        """Return the rows of a table whose track was tagged in the window."""
        times = table["tagged_at"]
        if self.begin:
            table = table.filter(pc.greater_equal(times, pa.scalar(self.begin, times.type)))
            times = table["tagged_at"]
        return table.filter(pc.less(times, pa.scalar(self.end, times.type))) if self.end else table


@dataclass(frozen=True)
class Difference:
    """The difference of two distributions.

    Attributes:
        psi: The population stability index.
        chance: What chance alone reaches with so few tracks; see `chance_limit`.
        distance: The Jensen-Shannon distance to the base 2: 0 for equal, 1 for disjoint ones.
    """

    psi: float
    chance: float
    distance: float

    @property
    def change(self) -> Change:
        """Return how large it is; what may be chance is none."""
        if self.psi < SMALL_PSI or self.psi <= self.chance:
            return Change.NONE
        return Change.LARGE if self.psi > LARGE_PSI else Change.MODERATE


@dataclass(frozen=True)
class TagDrift:
    """The drift of a tag.

    Attributes:
        tag: The tag.
        old_first: Number of tracks of the old window for which it has the highest score.
        new_first: The same of the new window.
        old_mean: Its mean score in the old window.
        new_mean: The same in the new window.
        scores: The difference of the distributions of its scores.
    """

    tag: str
    old_first: int
    new_first: int
    old_mean: float
    new_mean: float
    scores: Difference


@dataclass(frozen=True)
class Drift:
    """The drift between two windows.

    Attributes:
        old_tracks: Number of tracks of the old window.
        new_tracks: Number of tracks of the new window.
        first_tags: The difference of the distributions of the tag with the highest score.
        tags: The drift of each tag, the largest first.
    """

    old_tracks: int
    new_tracks: int
    first_tags: Difference
    tags: tuple[TagDrift, ...]


def measure_drift(old: Side, old_window: Window, new: Side, new_window: Window) -> Drift:
    """Compare the scores of two windows.

    Args:
        old: The catalogue, the model and the tags of the old window.
        old_window: The old window.
        new: Those of the new window; the tags must be the same.
        new_window: The new window.

    Raises:
        SetupError: A window has no track, the tags differ, or a file can't be read.
    """
    if old.tags != new.tags:
        raise SetupError(
            f"{old.ref} and {new.ref} have different tags; compare them with --vocabulary"
        )
    before, after = (_count(*pair) for pair in ((old, old_window), (new, new_window)))
    tags = [
        TagDrift(
            tag=name,
            old_first=int(before.first[tag]),
            new_first=int(after.first[tag]),
            old_mean=float(before.sums[tag] / before.tracks),
            new_mean=float(after.sums[tag] / after.tracks),
            scores=compare_counts(*_in_deciles(before.scores[tag], after.scores[tag])),
        )
        for tag, name in enumerate(old.tags)
    ]
    return Drift(
        *(before.tracks, after.tracks),
        compare_counts(before.first, after.first),
        tuple(sorted(tags, key=lambda tag: -tag.scores.psi)),
    )


def compare_counts(old: Counts, new: Counts) -> Difference:
    """Return the difference of two distributions.

    Args:
        old: The tracks in each bin, (bins,), with at least one track.
        new: The same of the new window.
    """
    p, q = ((counts + HALF_TRACK) / (counts + HALF_TRACK).sum() for counts in (old, new))
    psi = float(((p - q) * np.log(p / q)).sum())
    chance = chance_limit(len(old), int(old.sum()), int(new.sum()))
    return Difference(psi, chance, float(jensenshannon(old, new, base=2)))


def chance_limit(bins: int, old_tracks: int, new_tracks: int) -> float:
    """Return the PSI that samples of one distribution hardly ever exceed.

    Of such samples PSI / (1 / old + 1 / new) has about a chi-squared distribution with bins - 1
    degrees of freedom (Yurdakul and Naranjo, Statistical properties of the population stability
    index, 2020). The limit is its mean and three standard deviations.
    """
    freedom = bins - 1
    return float((freedom + 3 * np.sqrt(2 * freedom)) * (1 / old_tracks + 1 / new_tracks))


@dataclass
class _Counted:
    """What a window holds.

    Attributes:
        first: (tags,), tracks by the tag with the highest score.
        sums: (tags,), sums of scores.
        scores: (tags, FINE_BINS), tracks by the log odds of their score.
    """

    tags: int
    tracks: int = 0
    first: Counts = field(init=False)
    sums: npt.NDArray[np.float64] = field(init=False)
    scores: Counts = field(init=False)

    def __post_init__(self) -> None:
        self.first = np.zeros(self.tags, np.int64)
        self.sums = np.zeros(self.tags)
        self.scores = np.zeros((self.tags, FINE_BINS), np.int64)

    def add(self, scores: Scores) -> None:
        """Count tracks, (tracks, tags)."""
        self.tracks += len(scores)
        self.first += np.bincount(scores.argmax(axis=1), minlength=self.tags)
        self.sums += scores.sum(axis=0, dtype=np.float64)
        cells = _fine_bins(scores) + FINE_BINS * np.arange(self.tags)
        counts = np.bincount(cells.ravel(), minlength=self.scores.size)
        self.scores += counts.reshape(self.scores.shape)


def _count(side: Side, window: Window) -> _Counted:
    counted = _Counted(len(side.tags))
    for _, table in scored_rows(side.out, side.ref, ("scores",)):
        rows = window.select(table)
        if rows.num_rows:
            counted.add(side.score(score_matrix(rows)))
    if not counted.tracks:
        begin, end = window.begin or "its start", window.end or "its end"
        raise SetupError(
            f"{side.out.where()}: no track has scores of {side.ref} from {begin} to {end}; choose "
            "another window"
        )
    return counted


def _fine_bins(scores: Scores) -> npt.NDArray[np.int64]:
    """Return the fine bin of each score, (tracks, tags)."""
    inside = np.clip(scores.astype(np.float64), 1e-9, 1 - 1e-9)
    logits = np.clip(np.log(inside / (1 - inside)), -_LOGIT, _LOGIT)
    bins: npt.NDArray[np.int64] = ((logits / _LOGIT + 1) / 2 * (FINE_BINS - 1)).astype(np.int64)
    return bins


def _in_deciles(old: Counts, new: Counts) -> tuple[Counts, Counts]:
    """Merge fine bins, (FINE_BINS,), to those that hold about a tenth of the old tracks each.

    There are fewer than ten where more than a tenth of the tracks has equal scores.
    """
    reached = np.cumsum(old) / old.sum()
    decile = np.minimum(np.ceil(reached * BINS - 1e-9).astype(np.int64), BINS)
    starts: Sequence[int] = np.flatnonzero(np.diff(decile, prepend=-1)).tolist()
    return np.add.reduceat(old, starts), np.add.reduceat(new, starts)


def _parse_time(text: str) -> datetime | None:
    """Parse a date or a time; one without a zone is in UTC."""
    if not text:
        return None
    time = datetime.fromisoformat(text)
    return time if time.tzinfo else time.replace(tzinfo=UTC)
