"""The ways from scores over time to one score a tag, against their plain definitions."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy.special import softmax
from sklearn.metrics import roc_auc_score

from app.domain import Scores
from app.tagging.pooling import Pooling, majority, pool

SCORE = st.floats(0, 1, width=32, allow_subnormal=False) | st.sampled_from(
    [0.0, 0.25, 0.5, 1.0]
)  # the latter for ties
MATRICES = arrays(
    np.float32, array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=24), elements=SCORE
)

each_pooling = pytest.mark.parametrize("pooling", Pooling)


@each_pooling
@given(scores=MATRICES)
def test_a_pooled_score_stays_within_0_and_1(pooling: Pooling, scores: Scores) -> None:
    pooled = pool(scores, pooling)

    assert pooled.shape == (scores.shape[1],)
    assert ((pooled >= 0) & (pooled <= 1)).all()


@given(scores=MATRICES)
def test_mean_is_the_mean_over_time(scores: Scores) -> None:
    expected = [math.fsum(column) / len(column) for column in scores.T.tolist()]

    np.testing.assert_allclose(pool(scores, Pooling.MEAN), expected, atol=1e-6)


@given(scores=MATRICES)
def test_majority_is_the_share_of_windows_with_the_tag_among_the_five_highest(
    scores: Scores,
) -> None:
    windows, tags = scores.shape
    counts = [0] * tags
    for row in scores.tolist():
        for tag in sorted(range(tags), key=lambda tag: (-row[tag], tag))[:5]:
            counts[tag] += 1

    majority = pool(scores, Pooling.MAJORITY)

    np.testing.assert_allclose(majority, np.array(counts) / windows, atol=1e-6)


def test_majority_gives_equal_scores_to_the_first_five_tags() -> None:
    level = np.full((4, 7), 0.3, np.float32)

    assert pool(level, Pooling.MAJORITY).tolist() == [1, 1, 1, 1, 1, 0, 0]


@given(scores=MATRICES, k=st.integers(1, 30))
def test_a_majority_vote_counts_the_windows_with_the_tag_among_the_k_highest(
    scores: Scores, k: int
) -> None:
    windows, tags = scores.shape
    counts = [0] * tags
    for row in scores.tolist():
        for tag in sorted(range(tags), key=lambda tag: (-row[tag], tag))[:k]:
            counts[tag] += 1

    np.testing.assert_allclose(majority(scores, k), np.array(counts) / windows, atol=1e-6)


@given(scores=MATRICES)
def test_the_majority_of_top_tags_is_a_vote_of_one_tag_a_window(scores: Scores) -> None:
    votes = np.bincount(scores.argmax(axis=1), minlength=scores.shape[1])

    pooled = pool(scores, Pooling.MAJORITY_TOP1)

    np.testing.assert_allclose(pooled, votes / len(scores), atol=1e-6)


@given(scores=MATRICES)
def test_softmax_over_tags_is_equation_10_5_in_each_window_and_then_the_mean(
    scores: Scores,
) -> None:
    expected = softmax(scores.astype(np.float64), axis=1).mean(axis=0)

    pooled = pool(scores, Pooling.SOFTMAX_TAGS)

    np.testing.assert_allclose(pooled, expected, atol=1e-6)
    assert pooled.sum() == pytest.approx(1, abs=1e-5)


def test_equation_10_5_hardly_ranks_otherwise_than_the_mean_and_zeros_explain_table_10_2() -> None:
    """Scores within 0..1 differ by a factor of e at most; all but the highest set to 0 do not."""
    random = np.random.RandomState(0)
    y_true = random.uniform(size=(300, 19)) < 0.15
    noise = random.uniform(0, 0.5, (300, 19)) + random.uniform(0, 0.3, 19)
    songs = np.clip(noise + 0.2 * y_true, 0, 1)[:, np.newaxis]
    windows = np.clip(songs + random.normal(0, 0.1, (300, 20, 19)), 0, 1).astype(np.float32)

    def roc(pooled: list[np.ndarray]) -> float:
        return float(roc_auc_score(y_true, np.stack(pooled)))

    means = [pool(each, Pooling.MEAN) for each in windows]
    literal = [pool(each, Pooling.SOFTMAX_TAGS) for each in windows]
    alone = [np.where(each == each.max(), each, 0) for each in means]
    of_sums = [softmax(3 * each.sum(axis=0)) for each in windows]  # of a song of sixty windows
    votes = [pool(each, Pooling.MAJORITY_TOP1) for each in windows]
    assert max(each.max() / each.min() for each in literal) < math.e
    assert roc(literal) == pytest.approx(roc(means), abs=0.02)
    assert roc(alone) < roc(votes) < roc(means) - 0.05
    assert roc(alone) < roc(means) - 0.15
    assert roc([np.round(each, 2) for each in of_sums]) + 0.1 < roc(of_sums) < roc(means) - 0.02


@given(scores=MATRICES)
def test_softmax_is_the_mean_weighted_by_the_softmax_over_time(scores: Scores) -> None:
    expected = []
    for column in scores.T.tolist():
        weights = [math.exp(score) for score in column]
        weighted = math.fsum(weight * score for weight, score in zip(weights, column, strict=True))
        expected.append(weighted / math.fsum(weights))

    np.testing.assert_allclose(pool(scores, Pooling.SOFTMAX), expected, atol=1e-6)


@given(scores=MATRICES)
def test_softmax_lies_between_the_mean_and_the_peak(scores: Scores) -> None:
    softmax = pool(scores, Pooling.SOFTMAX)

    assert (softmax >= scores.mean(axis=0) - 1e-6).all()
    assert (softmax <= scores.max(axis=0) + 1e-6).all()


@given(row=arrays(np.float32, st.integers(1, 24), elements=SCORE), windows=st.integers(1, 200))
def test_mean_and_softmax_of_a_track_that_never_changes_are_its_scores(
    row: np.ndarray, windows: int
) -> None:
    level = np.tile(row, (windows, 1))

    np.testing.assert_allclose(pool(level, Pooling.MEAN), row, rtol=1e-5)
    np.testing.assert_allclose(pool(level, Pooling.SOFTMAX), row, rtol=1e-5)


@each_pooling
@given(scores=MATRICES, data=st.data())
def test_the_order_of_the_windows_does_not_matter(
    pooling: Pooling, scores: Scores, data: st.DataObject
) -> None:
    order = data.draw(st.permutations(range(len(scores))))

    np.testing.assert_allclose(pool(scores[order], pooling), pool(scores, pooling), atol=1e-6)


def test_softmax_favours_a_tag_that_is_strong_for_a_moment() -> None:
    steady, moment = 0.2, np.array([0.9, 0.025, 0.025, 0.025, 0.025], np.float32)
    scores = np.stack([np.full(5, steady, np.float32), moment], axis=1)

    mean, softmax = pool(scores, Pooling.MEAN), pool(scores, Pooling.SOFTMAX)

    assert mean[0] == pytest.approx(mean[1])
    assert softmax[1] > softmax[0]
