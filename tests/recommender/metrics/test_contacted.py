"""Metrics of contacted curators, compared with scikit-learn and with a loop."""

import numpy as np
import pytest
from sklearn.metrics import ndcg_score, roc_auc_score

from app.recommender.data import AGREED, OUTCOMES
from app.recommender.metrics.contacted import contacted_metrics


@pytest.mark.parametrize("levels", [3, 10_000])
def test_both_are_those_of_scikit_learn_also_with_equal_scores(levels: int) -> None:
    random = np.random.RandomState(0)
    artists = random.randint(12, size=120)
    scores = random.choice(OUTCOMES, 120)
    predicted = random.randint(levels, size=120).astype(float)
    ndcgs, areas = [], []
    for artist in range(13):
        own = artists == artist
        accepted = scores[own] >= AGREED
        if scores[own].any() and own.sum() > 1:
            ndcgs.append(ndcg_score(scores[own][np.newaxis], predicted[own][np.newaxis]))
        if 0 < accepted.sum() < own.sum():
            areas.append(roc_auc_score(accepted, predicted[own]))

    metrics = contacted_metrics(predicted, scores, artists, 13)

    ones = np.ones((1, 13), np.float32)
    assert metrics["ndcg_sent"].in_draws(ones)[0] == pytest.approx(np.mean(ndcgs))
    assert metrics["auc_sent"].in_draws(ones)[0] == pytest.approx(np.mean(areas))
    assert metrics["auc_sent"].counts.sum() == len(areas)


def test_one_answer_has_no_order() -> None:
    metrics = contacted_metrics(np.ones(2), np.array([0.0, 1.0]), np.array([0, 1]), 2)

    assert not metrics["auc_sent"].counts.any()
    assert metrics["ndcg_sent"].counts.tolist() == [0, 1]
