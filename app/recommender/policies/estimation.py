"""Estimates what a model's ranking would have been worth to the artists of a log."""

from dataclasses import dataclass

import numpy as np

from app.errors import SetupError
from app.recommender.data import Floats, Indices, Mask
from app.recommender.evaluation import ALL, ROWS, Figure, rows_of
from app.recommender.metrics.quotient import draw_weights, interval
from app.recommender.models.base import Recommender
from app.recommender.policies.estimators import WeightedLog, make_quotients
from app.recommender.policies.log import RecommendationLog, read_log
from app.recommender.policies.ranking import RankingPolicy
from app.recommender.split import Split, check_no_future


@dataclass(frozen=True, eq=False)
class Estimates:
    """What a log says about a new ranking.

    Attributes:
        policy: How the new ranking chooses by the model's scores.
        figures: The mean score of the log, the estimates and the supported share, by name; see
            `app.recommender.policies.estimators`.
        weighted: The rows of the log with their weights.
        log: The log.
        in_log: The share of the new ranking's recommendations whose answer is in the log.
    """

    policy: RankingPolicy
    figures: dict[str, Figure]
    weighted: WeightedLog
    log: RecommendationLog
    in_log: float


@dataclass(frozen=True, eq=False)
class _NewRanking:
    """What the new ranking does with the rows of a log, one array an attribute, (n,).

    Attributes:
        probabilities: That the row's curator is recommended.
        sizes: The number of recommendations for the row's artist.
        predicted: What the reward model expects of the row.
        expected: What it expects of a recommendation for the row's artist.
    """

    probabilities: Floats
    sizes: Floats
    predicted: Floats
    expected: Floats


def estimate(
    model: Recommender, reward_model: Recommender, split: Split, policy: RankingPolicy
) -> Estimates:
    """Estimate the value of a model's ranking for the artists of the later interactions.

    Each artist has the same ranking at all times of the log, without the curators contacted before.

    Args:
        model: The model that ranks, trained on `split.platform`.
        reward_model: A model that predicts scores, trained on the same.
        split: The interactions before the log, and those of the log.
        policy: How the ranking chooses by the model's scores.

    Raises:
        SetupError: No position and propensity is logged, the reward model does not predict scores,
            there are too few curators, or the training data is from the time of the log.
    """
    check_no_future(split.train, split.test)
    curators = len(split.platform.curators.ids)
    if policy.k > curators:
        raise SetupError(f"k is {policy.k}, and there are {curators:,} curators; lower it")
    if not reward_model.predicts_scores:
        raise SetupError(
            f"the model {reward_model.name} does not predict scores, which a reward model must; "
            "use one like linear, trained without weights of the target"
        )
    log = read_log(split.test)
    made = log.interactions
    artists, rows = np.unique(made.artists, return_inverse=True)
    ranking = _rank(model, reward_model, split, log, policy)
    weights = ranking.probabilities / made.propensities * log.lengths / ranking.sizes
    weighted = WeightedLog(rows, made.scores, weights, ranking.predicted, ranking.expected)
    draws = draw_weights(len(artists))
    figures = {}
    for name, quotient in make_quotients(weighted).items():
        values = quotient.in_draws(draws)
        figures[name] = Figure(model.name, ALL, f"{name}@{policy.k}", interval(values), values)
    in_log = _share_in_log(made.artists * curators + made.curators, rows, ranking)
    return Estimates(policy, figures, weighted, log, in_log)


def _rank(
    model: Recommender,
    reward_model: Recommender,
    split: Split,
    log: RecommendationLog,
    policy: RankingPolicy,
) -> _NewRanking:
    """Rank the curators for the artists of a log, some artists at a time."""
    made = log.interactions
    artists, curators = np.unique(made.artists), np.arange(len(split.platform.curators.ids))
    probabilities, sizes, predicted, expected = np.zeros((4, len(made)))
    for start in range(0, len(artists), ROWS):
        some = artists[start : start + ROWS]
        scores = model.score(some, curators).astype(float)
        of_train, rows = rows_of(some, split.train.artists)
        scores[rows, split.train.curators[of_train]] = -np.inf
        chosen = policy.probabilities(scores)
        rewards = reward_model.score(some, curators)
        counts = np.maximum(chosen.sum(axis=1), 1)  # an artist may have contacted all curators
        means = (chosen * rewards).sum(axis=1) / counts
        of_log, rows = rows_of(some, made.artists)
        pairs = rows, made.curators[of_log]
        probabilities[of_log], predicted[of_log] = chosen[pairs], rewards[pairs]
        sizes[of_log], expected[of_log] = counts[rows], means[rows]
    return _NewRanking(probabilities, sizes, predicted, expected)


def _share_in_log(pairs: Indices, artists: Indices, ranking: _NewRanking) -> float:
    """Return the share of the new ranking's recommendations that are in the log.

    Args:
        pairs: A number for the artist and curator of each row, (n,).
        artists: The artist of each row, numbered from 0, (n,).
        ranking: What the new ranking does with the rows.
    """
    sizes = np.zeros(artists.max() + 1)
    sizes[artists] = ranking.sizes
    is_first: Mask = np.zeros(len(pairs), bool)
    is_first[np.unique(pairs, return_index=True)[1]] = True
    return float(ranking.probabilities[is_first].sum() / sizes.sum())
