"""The part of a taggram that is shown: which windows, which tags, in which order."""

from collections.abc import Sequence

import numpy as np
import pytest

from app.domain import Level, ModelRef, Precision, Taggram, TaggramKey
from app.errors import Kind, RequestError
from app.tagging.pooling import Pooling
from app.tagging.projection import Row, VocabularyScores
from app.tagging.timeline import Timeline, select_timeline
from tests.support.peaks import SILENT

TAGS = ("rock", "pop", "jazz")
SCORES = [
    [0.1, 0.2, 0.9],
    [0.2, 0.4, 0.0],
    [0.3, 0.6, 0.0],
    [0.4, 0.8, 0.0],
]
"""Four windows of three seconds, one after the other."""


def scored(
    tags: Sequence[str] = TAGS, scores: Sequence[Sequence[float]] = SCORES
) -> VocabularyScores:
    key = TaggramKey("0" * 64, ModelRef("any", "1"), Precision.FLOAT32)
    matrix = np.array(scores, np.float32)
    grid = Taggram(key, 3.0 * len(scores), 3.0, 3.0, matrix, SILENT)
    rows = tuple(Row(tag, Level.TAG, {0: (at,)}, (at,)) for at, tag in enumerate(tags))
    return VocabularyScores(rows, matrix, grid)


def names(of: Timeline) -> tuple[str, ...]:
    return tuple(row.name for row in of.rows)


def shown(
    *,
    pooling: Pooling = Pooling.MEAN,
    top: int | None = None,
    start_s: float = 0.0,
    end_s: float | None = None,
) -> Timeline:
    return select_timeline(scored(), pooling=pooling, top=top, start_s=start_s, end_s=end_s)


def test_all_windows_are_shown_in_time_order_and_the_tags_by_falling_mean() -> None:
    everything = shown()

    assert everything.times_s == [0.0, 3.0, 6.0, 9.0]
    assert names(everything) == ("pop", "rock", "jazz")
    np.testing.assert_allclose(
        everything.scores, [[0.2, 0.1, 0.9], [0.4, 0.2, 0], [0.6, 0.3, 0], [0.8, 0.4, 0]]
    )
    np.testing.assert_allclose(everything.mean_scores, [0.5, 0.25, 0.225])


@pytest.mark.parametrize(
    ("start_s", "end_s", "times_s"),
    [
        (2.9, None, [0, 3, 6, 9]),
        (3.0, None, [3, 6, 9]),
        (0.0, 9.0, [0, 3, 6]),
        (0.0, 9.1, [0, 3, 6, 9]),
        (4.0, 5.0, [3]),
        (11.9, 100.0, [9]),
    ],
)
def test_a_window_is_shown_if_any_of_it_is_in_the_requested_part(
    start_s: float, end_s: float | None, times_s: list[float]
) -> None:
    assert shown(start_s=start_s, end_s=end_s).times_s == times_s


def test_the_means_and_the_order_are_those_of_the_requested_part() -> None:
    beginning = shown(end_s=3.0)

    assert names(beginning) == ("jazz", "pop", "rock")
    np.testing.assert_allclose(beginning.mean_scores, [0.9, 0.2, 0.1])


def test_tags_are_sorted_and_cut_by_the_requested_pooling() -> None:
    weighted = shown(pooling=Pooling.SOFTMAX, top=2)

    assert names(weighted) == ("pop", "jazz")  # high in a single window
    np.testing.assert_allclose(weighted.pooled_scores, [0.549, 0.405], atol=1e-3)
    np.testing.assert_allclose(weighted.mean_scores, [0.5, 0.225])


def test_a_majority_is_one_among_all_tags_and_not_among_those_shown() -> None:
    track = scored("abcdefg", [[0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]])

    everything = select_timeline(track, pooling=Pooling.MAJORITY, top=6, start_s=0, end_s=None)

    assert names(everything) == ("c", "d", "e", "f", "g", "a")
    assert everything.pooled_scores.tolist() == [1, 1, 1, 1, 1, 0]


def test_only_the_requested_number_of_tags_is_shown() -> None:
    best = shown(top=2)

    assert names(best) == ("pop", "rock")
    assert best.scores.shape == (4, 2)
    assert best.mean_scores.shape == (2,)
    assert best.pooled_scores.shape == (2,)


def test_a_number_above_that_of_the_tags_shows_all() -> None:
    assert names(shown(top=100)) == ("pop", "rock", "jazz")


@pytest.mark.parametrize(("start_s", "end_s"), [(12.0, None), (500.0, None), (8.0, 2.0)])
def test_a_part_without_a_window_is_refused_with_the_duration_of_the_track(
    start_s: float, end_s: float | None
) -> None:
    with pytest.raises(RequestError, match=r"12\.0 s") as refusal:
        shown(start_s=start_s, end_s=end_s)

    assert refusal.value.kind is Kind.INVALID_PARAMETER
