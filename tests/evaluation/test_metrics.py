"""Figures compared with scikit-learn and with hand calculations."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.metrics.pairwise import cosine_similarity

from app.evaluation.bootstrap import DRAWS, LabeledScores, draw_counts, interval, measure
from app.evaluation.curve_areas import roc_pr_auc
from app.evaluation.metrics import (
    CALIBRATION_BINS,
    accuracy_at_k,
    calibration,
    confusion,
    cosines,
    threshold,
)

AS_THEY_ARE = 0
"""The first draw."""


@st.composite
def labeled(draw: st.DrawFn) -> LabeledScores:
    """Scores of which many are equal, and tags that may be everywhere or nowhere."""
    items, tags = draw(st.integers(2, 40)), draw(st.integers(1, 6))
    random = np.random.RandomState(draw(st.integers(0, 2**32 - 1)))
    y_true = random.uniform(size=(items, tags)) < draw(st.sampled_from([0.05, 0.3, 0.9]))
    levels = draw(st.sampled_from([2, 5, 10**6]))
    scores = (random.randint(levels, size=(items, tags)) / levels).astype(np.float32)
    return LabeledScores(y_true, scores, np.arange(items))


@given(labeled())
def test_roc_and_pr_auc_agree_with_scikit_learn(given: LabeledScores) -> None:
    found = measure(given, draw_counts(len(given.y_true), 0))
    pairs = list(zip(found.tags, given.y_true.T, given.scores.T, strict=True))
    known = [(area, hits, scores) for area, hits, scores in pairs if hits.any() and not hits.all()]
    for area, hits, scores in known:
        assert area.roc[AS_THEY_ARE] == pytest.approx(roc_auc_score(hits, scores))
        assert area.pr[AS_THEY_ARE] == pytest.approx(average_precision_score(hits, scores))
    for area, hits, _ in pairs:
        assert np.isnan(area.roc).all() == np.isnan(area.pr).all() == (hits.all() or not hits.any())
    assume(known)
    measurable = [hits.any() and not hits.all() for hits in given.y_true.T]
    for name, score in (("roc_auc", roc_auc_score), ("pr_auc", average_precision_score)):
        y_true, scores = given.y_true[:, measurable], given.scores[:, measurable]
        macro = getattr(found.overall, f"{name}_macro").value
        assert macro == pytest.approx(score(y_true, scores, average="macro"))
        micro = getattr(found.overall, f"{name}_micro").value
        assert micro == pytest.approx(score(given.y_true.ravel(), given.scores.ravel()))


@given(labeled(), st.integers(0, 1000))
def test_a_bootstrap_sample_counts_each_track_as_often_as_it_was_drawn(
    given: LabeledScores, seed: int
) -> None:
    hits, scores = given.y_true[:, 0], given.scores[:, 0]
    draws = draw_counts(len(hits), 3, seed)
    found = roc_pr_auc(hits, scores, draws, given.owners)
    for row, roc, pr in zip(draws, *found, strict=True):
        copied_hits, copied_scores = hits.repeat(row), scores.repeat(row)
        if copied_hits.all() or not copied_hits.any():
            assert np.isnan(roc)
            assert np.isnan(pr)
        else:
            assert roc == pytest.approx(roc_auc_score(copied_hits, copied_scores))
            assert pr == pytest.approx(average_precision_score(copied_hits, copied_scores))


@given(labeled(), st.integers(1, 4))
def test_all_chunks_of_a_track_are_drawn_together(given: LabeledScores, chunks: int) -> None:
    owners = given.owners.repeat(chunks)
    draws = draw_counts(len(given.y_true), 5)
    songs = measure(given, draws)
    same = measure(LabeledScores(given.y_true[owners], given.scores[owners], owners), draws)
    np.testing.assert_allclose(same.every.pr, songs.every.pr)
    np.testing.assert_allclose(same.cosine, songs.cosine)


@given(labeled())
def test_cosine_similarity_agrees_with_scikit_learn(given: LabeledScores) -> None:
    assume(given.y_true.any())
    tagged = given.y_true.any(axis=1)
    wanted = np.diag(cosine_similarity(given.y_true[tagged], given.scores[tagged]))
    np.testing.assert_allclose(cosines(given.y_true, given.scores)[tagged], wanted, atol=1e-6)
    overall = measure(given, draw_counts(len(given.y_true), 0)).overall
    assert overall.cosine.value == pytest.approx(wanted.mean(), abs=1e-6)


def test_a_figure_without_data_is_none_without_a_warning() -> None:
    y_true, scores = np.zeros((4, 2), bool), np.full((4, 2), 0.5, np.float32)
    overall = measure(LabeledScores(y_true, scores, np.arange(4)), draw_counts(4, 10)).overall
    assert {each.value for each in vars(overall).values()} == {None}


def test_an_interval_contains_its_figure_and_narrows_with_more_tracks() -> None:
    few, many = (measured_noise(tracks).overall.roc_auc_macro for tracks in (100, 1600))
    for each in (few, many):
        assert each.low < each.value < each.high
    assert 3 < (few.high - few.low) / (many.high - many.low) < 5.5


def test_an_interval_covers_the_true_value_in_about_95_of_100_samples() -> None:
    """Normal scores, one apart: the area under the ROC is .760 (the normal's .5 ** .5)."""
    random, held = np.random.RandomState(1), 0
    for _ in range(200):
        hits = np.arange(200) < 60
        scores = (random.standard_normal(200) + hits).astype(np.float32)
        found = interval(roc_pr_auc(hits, scores, draw_counts(200, 300), np.arange(200)).roc)
        held += found.low <= 0.760 <= found.high
    assert 180 <= held <= 199


def test_the_same_seed_gives_the_same_interval() -> None:
    assert measured_noise(50).overall == measured_noise(50).overall
    assert not np.array_equal(draw_counts(50, 10, seed=1), draw_counts(50, 10, seed=2))


def measured_noise(tracks: int):
    random = np.random.RandomState(tracks)
    y_true = random.uniform(size=(tracks, 3)) < 0.3
    scores = (random.uniform(size=y_true.shape) + y_true * 0.3).astype(np.float32)
    return measure(LabeledScores(y_true, scores, np.arange(tracks)), draw_counts(tracks, DRAWS))


def test_accuracy_at_k_agrees_with_hand_calculation() -> None:
    """The thesis's 10.3 and 10.4: song a is right at 1, b has its tags at ranks 1 and 3, d at 2."""
    y_true = np.array([[1, 0, 0], [1, 1, 0], [0, 0, 0], [0, 0, 1]], bool)
    scores = np.array([[0.9, 0.1, 0.2], [0.8, 0.1, 0.5], [0.5, 0.5, 0.5], [0.7, 0.1, 0.4]])
    found = accuracy_at_k(y_true, scores.astype(np.float32))
    np.testing.assert_allclose(found.every, [1 / 3, 2 / 3, 1])
    np.testing.assert_allclose(found.any, [2 / 3, 1, 1])


def test_of_equal_scores_the_first_tag_comes_first() -> None:
    scores = np.full((1, 3), 0.5, np.float32)
    assert accuracy_at_k(np.array([[True, False, False]]), scores).every.tolist() == [1, 1, 1]
    assert accuracy_at_k(np.array([[False, False, True]]), scores).every.tolist() == [0, 0, 1]


@given(labeled())
def test_accuracy_rises_with_k_to_one(given: LabeledScores) -> None:
    assume(given.y_true.any())
    found = accuracy_at_k(given.y_true, given.scores)
    for shares in found:
        assert (np.diff(shares) >= 0).all()
        assert shares[-1] == 1
    assert (found.any >= found.every).all()


def test_confusion_agrees_with_hand_calculation() -> None:
    """The thesis's 10.2: songs 1 and 2 have tag a, song 2 has b too, none has c."""
    y_true = np.array([[1, 0, 0], [1, 1, 0]], bool)
    scores = np.array([[0.6, 0.2, 0.2], [0.4, 0.8, 0.0]], np.float32)
    wanted = [[1.0 / 2.2, 0.4 / 1.2, 0], [1.0 / 2.2, 0.8 / 1.2, 0], [0.2 / 2.2, 0, 0]]
    np.testing.assert_allclose(confusion(y_true, scores), wanted, rtol=1e-6)


@given(labeled())
def test_calibration_agrees_with_scikit_learn(given: LabeledScores) -> None:
    found = calibration(given.y_true, given.scores)
    assert sum(found.counts) == given.y_true.size
    assume(given.y_true.any() and not given.y_true.all())
    # Its bins include their upper edges, ours their lower ones: off the edges they agree.
    scores = np.float32(0.99) * given.scores + np.float32(0.003)
    found = calibration(given.y_true, scores)
    shares, means = calibration_curve(given.y_true.ravel(), scores.ravel(), n_bins=CALIBRATION_BINS)
    np.testing.assert_allclose(found.scores, means, rtol=1e-5)
    np.testing.assert_allclose(found.frequencies, shares, rtol=1e-5)


def test_expected_calibration_error_agrees_with_hand_calculation() -> None:
    """Three scores of .9 of which two are right, one of .1 that is wrong."""
    scores = np.array([[0.9, 0.9], [0.9, 0.1]], np.float32)
    y_true = np.array([[1, 1], [0, 0]], bool)
    found = calibration(y_true, scores)
    assert found.counts == (1, 3)
    assert found.expected_error == pytest.approx(3 / 4 * (0.9 - 2 / 3) + 1 / 4 * 0.1)


def test_scores_of_zero_and_one_are_in_the_outer_bins() -> None:
    found = calibration(np.array([[True, False]]), np.array([[1.0, 0.0]], np.float32))
    assert found.expected_error == 0


def test_a_threshold_is_the_lowest_with_the_required_precision() -> None:
    scores = np.array([0.9, 0.8, 0.7, 0.6, 0.5], np.float32)
    hits = np.array([1, 0, 1, 1, 0], bool)
    assert threshold(hits, scores, 0.75) == pytest.approx(0.6)
    assert threshold(hits, scores, 0.76) == pytest.approx(0.9)
    assert threshold(~hits, scores, 0.6) is None
    assert threshold(np.zeros(5, bool), scores, 0.1) is None


@given(labeled(), st.sampled_from([0.2, 0.5, 0.8, 1.0]))
def test_no_lower_score_meets_the_precision(given: LabeledScores, preferred: float) -> None:
    hits, scores = given.y_true[:, 0], given.scores[:, 0]
    found = threshold(hits, scores, preferred)
    meeting = [score for score in scores if hits[scores >= score].mean() >= preferred]
    assert found == (min(meeting) if meeting else None)
