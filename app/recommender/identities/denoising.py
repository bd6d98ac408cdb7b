"""Compares the subgenres that artists choose with those that their tracks are tagged with.

Artists choose too many subgenres, too few, or ones that their music does not have. Scores of
different tags can't be compared with one threshold. As in confident learning (Northcutt, Jiang and
Chuang 2021), the artists themselves give the levels of each subgenre: the low one is the mean score
of those who did not choose it, the high one that of those who did and score above the low one, so
that wrong choices do little harm. A subgenre is missing if it scores at least the high level, and a
chosen one is unlikely if it scores at most the geometric mean of the two.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from app.domain import Scores
from app.recommender.data import Floats, Mask, OneHot
from app.recommender.similarity import cosine_pairs
from app.recommender.tag_space import TagSpace

FEWEST_CHOOSERS = 5
"""With fewer artists at its high level, that level is a quantile of all scores: `RARE`."""

RARE = 0.95
MOST_MISSING = 3
"""The most missing subgenres that are reported of an artist, those farthest above the threshold."""

MANY_UNLIKELY = 3


class Verdict(StrEnum):
    """What the comparison says of an artist's choice."""

    PLAUSIBLE = "plausible"
    NONE_CHOSEN = "none chosen"
    TOO_MANY = "too many"
    TOO_FEW = "too few"
    UNLIKELY = "unlikely"
    NOT_JUDGED = "not judged"


@dataclass(frozen=True, eq=False)
class Denoised:
    """The comparison, for the subgenres that the tag vectors know.

    Attributes:
        subgenres: Their names.
        unknown: The names of the other subgenres of the platform, which are not judged.
        kept: The chosen ones among those, which stay as they are, (artists, unknown).
        scores: Of the artists' tracks, (artists, subgenres).
        chosen: The self-chosen ones, (artists, subgenres).
        lower: The score up to which a chosen one is unlikely, (subgenres,).
        upper: The score from which one that is not chosen is missing, (subgenres,).
        is_judged: Whether an artist has scored tracks, (artists,).
        unlikely: (artists, subgenres).
        missing: (artists, subgenres).
        cosines: Of the choice with the scores, as directions, (artists,).
        denoised_cosines: The same after denoising.
    """

    subgenres: tuple[str, ...]
    unknown: tuple[str, ...]
    kept: OneHot
    scores: Scores
    chosen: OneHot
    lower: Floats
    upper: Floats
    is_judged: Mask
    unlikely: Mask
    missing: Mask
    cosines: Floats
    denoised_cosines: Floats

    @property
    def denoised(self) -> OneHot:
        """Return the choice without unlikely and with missing subgenres, (artists, subgenres)."""
        likely = (self.chosen > 0) & ~self.unlikely
        return (likely | self.missing).astype(np.float32)

    @property
    def verdicts(self) -> list[Verdict]:
        """Return the verdict on each artist."""
        chosen = self.chosen.sum(axis=1)
        unlikely, missing = self.unlikely.sum(axis=1), self.missing.sum(axis=1)
        is_judged = self.is_judged & ((chosen > 0) | ~self.kept.any(axis=1))
        cases = zip(is_judged, chosen, unlikely, missing, strict=True)
        return [_judge(*case) for case in cases]


def denoise(
    subgenres: tuple[str, ...], chosen: OneHot, tags: tuple[str, ...], vectors: Scores
) -> Denoised:
    """Compare the choices of artists with the tag vectors of their tracks.

    Args:
        subgenres: The subgenres of the platform.
        chosen: The self-chosen ones, (artists, subgenres).
        tags: The tags of the vectors; subgenres that are not among them are not judged.
        vectors: (artists, tags); all-zero for artists without scored tracks.
    """
    known = [column for column, name in enumerate(subgenres) if name in tags]
    others = [column for column, name in enumerate(subgenres) if name not in tags]
    columns = [tags.index(subgenres[column]) for column in known]
    scores, of_known = vectors[:, columns], chosen[:, known]
    is_judged: Mask = (vectors != 0).any(axis=1)
    lower, upper = _thresholds(scores[is_judged], of_known[is_judged] > 0)
    judged = is_judged[:, np.newaxis]
    unlikely = judged & (of_known > 0) & (scores <= lower)
    excess = np.where(judged & (of_known == 0) & (scores >= upper), scores / upper, 0.0)
    ranks = np.argsort(np.argsort(-excess, axis=1, kind="stable"), axis=1)
    missing = (excess > 0) & (ranks < MOST_MISSING)
    directions = (
        TagSpace.of(scores[is_judged]).directions(scores)
        if is_judged.any()
        else scores.astype(float)
    )
    denoised = ((of_known > 0) & ~unlikely) | missing
    return Denoised(
        tuple(subgenres[column] for column in known),
        tuple(subgenres[column] for column in others),
        chosen[:, others],
        *(scores, of_known, lower, upper, is_judged, unlikely, missing),
        cosine_pairs(of_known, directions),
        cosine_pairs(denoised.astype(np.float32), directions),
    )


def _thresholds(scores: Scores, is_chosen: Mask) -> tuple[Floats, Floats]:
    """Return the lower and upper threshold of each subgenre, from the artists that are judged."""
    count = scores.shape[1]
    lower, upper = np.zeros(count), np.full(count, np.inf)
    if not len(scores):
        return lower, upper
    for column, (values, chose) in enumerate(zip(scores.T, is_chosen.T, strict=True)):
        low = 0.0 if chose.all() else float(values[~chose].mean())
        likely = values[chose & (values > low)]
        high = likely.mean() if len(likely) >= FEWEST_CHOOSERS else np.quantile(values, RARE)
        upper[column] = max(high, low, np.finfo(np.float32).tiny)
        lower[column] = np.sqrt(low * upper[column])
    return lower, upper


def _judge(is_judged: bool, chosen: float, unlikely: float, missing: float) -> Verdict:
    if not is_judged:
        return Verdict.NOT_JUDGED
    if not chosen:
        return Verdict.NONE_CHOSEN
    if unlikely == chosen:
        return Verdict.UNLIKELY
    if unlikely >= MANY_UNLIKELY and unlikely >= chosen / 2:
        return Verdict.TOO_MANY
    return Verdict.TOO_FEW if missing and not unlikely else Verdict.PLAUSIBLE
