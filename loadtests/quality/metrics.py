"""Figures of suggestions for labelled music."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from loadtests.report import Row
from testing.labelled import Plausible

SHOWN = 3
RESAMPLES = 1_000
HAS_SUBGENRES = ("blues", "country", "metal", "rock")
"""Genres of which the default models know subgenres, or which are tags themselves."""


@dataclass(frozen=True)
class Answer:
    """The suggestions for a song.

    Attributes:
        genre: Its true one.
        tags: The suggested ones, by falling score.
        is_genre: Whether each is a genre, instead of a subgenre.
        is_low: Whether the confidence is low.
        scores: Of all tags of the vocabulary, by name.
        raw: Raw scores by tag of the vocabulary: of each tag the highest.
    """

    genre: str
    tags: tuple[str, ...]
    is_genre: tuple[bool, ...]
    is_low: bool
    scores: Mapping[str, float]
    raw: Mapping[str, float]


def measure(answers: Sequence[Answer], plausible: Plausible) -> list[Row]:
    """All figures over all songs, with intervals."""

    def fits(answer: Answer) -> list[bool]:
        return [tag in plausible[answer.genre] for tag in answer.tags[:SHOWN]]

    shares: dict[str, Callable[[Answer], tuple[float, float]]] = {
        "first plausible": lambda a: (fits(a)[:1] == [True], 1),
        f"any of the first {SHOWN} plausible": lambda a: (any(fits(a)), 1),
        "implausible among those shown": lambda a: (fits(a).count(False), len(fits(a))),
        "first is a genre": lambda a: (a.is_genre[:1] == (True,), 1),
        "first is a genre, where subgenres are known": lambda a: (
            a.genre in HAS_SUBGENRES and a.is_genre[:1] == (True,),
            a.genre in HAS_SUBGENRES,
        ),
        "confidence is low": lambda a: (a.is_low, 1),
    }
    rows: list[Row] = []
    for name, share in shares.items():
        counts = np.array([share(answer) for answer in answers], float)
        rows.append({"figure": name, "count": int(counts[:, 0].sum()), **_interval(counts)})
    for name, which in (("raw", "raw"), ("vocabulary", "scores")):
        values = [roc_auc(answers, plausible, genre, which) for genre in _genres(answers)]
        known = [value for value in values if value is not None]
        mean = float(np.mean(known)) if known else None
        rows.append({"figure": f"ROC-AUC of {name} scores, mean over genres", "share": mean})
    return rows


def measure_genres(answers: Sequence[Answer], plausible: Plausible) -> list[Row]:
    """The figures of each genre."""
    rows: list[Row] = []
    for genre in _genres(answers):
        of_genre = [answer for answer in answers if answer.genre == genre]
        first = [answer.tags[:1] and answer.tags[0] in plausible[genre] for answer in of_genre]
        rows.append(
            {
                "genre": genre,
                "songs": len(of_genre),
                "first plausible": sum(map(bool, first)),
                "low": sum(answer.is_low for answer in of_genre),
                "ROC-AUC raw": roc_auc(answers, plausible, genre, "raw"),
                "ROC-AUC vocabulary": roc_auc(answers, plausible, genre, "scores"),
            }
        )
    return rows


def count_first(answers: Sequence[Answer], plausible: Plausible) -> list[Row]:
    """The suggested tags of each genre; a star marks those that do not fit."""
    rows: list[Row] = []
    for genre in _genres(answers):
        firsts = Counter(answer.tags[0] for answer in answers if answer.genre == genre)
        named = [
            f"{tag}{'' if tag in plausible[genre] else '*'} {count}"
            for tag, count in firsts.most_common()
        ]
        rows.append({"genre": genre, "first suggestions": ", ".join(named)})
    return rows


def roc_auc(
    answers: Sequence[Answer], plausible: Plausible, genre: str, which: str
) -> float | None:
    """ROC-AUC of the highest score of a genre's plausible tags, for its songs against the others.

    Returns:
        None if no tag is known, or all songs are of one genre.
    """
    scores, y_true = [], []
    for answer in answers:
        known = [getattr(answer, which)[t] for t in plausible[genre] if t in getattr(answer, which)]
        if not known:
            return None
        scores.append(max(known))
        y_true.append(answer.genre == genre)
    positive = np.array(scores)[y_true]
    negative = np.array(scores)[np.logical_not(y_true)]
    if not len(positive) or not len(negative):
        return None
    above = np.sign(positive[:, np.newaxis] - negative)
    return float((above.mean() + 1) / 2)


def _interval(counts: np.ndarray) -> dict[str, float]:
    """The share of (songs, 2) counts and wholes, and its bootstrap interval over songs."""
    random = np.random.default_rng(0)
    drawn = counts[random.integers(len(counts), size=(RESAMPLES, len(counts)))].sum(axis=1)
    shares = drawn[:, 0] / np.maximum(drawn[:, 1], 1)
    low, high = np.quantile(shares, (0.025, 0.975))
    total, whole = counts.sum(axis=0)
    return {"share": float(total / max(whole, 1)), "low": float(low), "high": float(high)}


def _genres(answers: Sequence[Answer]) -> list[str]:
    return sorted({answer.genre for answer in answers})
