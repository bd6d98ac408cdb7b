"""Estimates of new rankings against their true values, and a bandit against a greedy ranking.

    python -m loadtests.recommender.policies               # 20 logs of 500 lists
    python -m loadtests.recommender.policies --seeds 5

Lists are drawn by the scores of the model `linear`, with a temperature. Each log has other draws
and answers. The true value of a ranking is computed from the planted probabilities.
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from typing import Annotated

import numpy as np
import typer

from app.recommender.data import Floats
from app.recommender.models.base import Recommender, prepare_training
from app.recommender.models.registry import make_models
from app.recommender.policies.estimation import Estimates, estimate
from app.recommender.policies.estimators import SUPPORT, VALUES
from app.recommender.policies.ranking import RankingPolicy
from app.recommender.simulation.rounds import run_rounds
from app.recommender.simulation.settings import Settings
from app.recommender.simulation.simulate import Simulation, simulate
from app.recommender.simulation.songs import make_songs
from app.recommender.split import Split
from app.recommender.target import TargetWeights
from app.tagging.vocabulary_file import read_vocabularies
from loadtests.report import publish
from testing.bandits import curator_values, exploit, explore, misled, one_hot
from testing.recommendation_logs import log_lists, true_value

PLATFORM = Settings(artists=1_000, curators=300, sparsity=0.97)
LISTS = 500
LOGGING, NEW = RankingPolicy(k=10, temperature=0.15), RankingPolicy(k=10)
LOGS_BY, REWARDS = "linear", "linear-tags"
RANKINGS = ("linear-tags", "tag-cosine", "popularity")

SMALL = Settings(artists=100, curators=40, sparsity=0.9)
LISTS_A_ROUND, ROUNDS = 20, (1, 10, 20, 30, 40)

Row = dict[str, str | float | int | None]


def main(seeds: Annotated[int, typer.Option()] = 20) -> None:
    """Measure, print, and keep as JSON."""
    simulation = _simulate(PLATFORM)
    models = _train(simulation)
    scores = {name: _all_scores(simulation, model) for name, model in models.items()}
    logs = [log_lists(simulation, scores[LOGS_BY], LOGGING, LISTS, seed) for seed in range(seeds)]
    rows = [
        row
        for name in RANKINGS
        for row in _judge(simulation, logs, models[name], models[REWARDS], scores[name])
    ]
    logged = np.mean([log.test.scores.mean() for log in logs])
    note = (
        f"{seeds} logs of {LISTS} lists of {LOGGING.k}; the mean score in the logs is {logged:.3f}"
    )
    publish("recommender_policies", "Estimates against the true value", rows, (note,))
    publish("recommender_bandit", "Expected score of a recommendation", list(_explore()))


def _judge(
    simulation: Simulation,
    logs: list[Split],
    model: Recommender,
    rewards: Recommender,
    scores: Floats,
) -> Iterator[Row]:
    """Yield a row for each estimate of a ranking."""
    found = [estimate(model, rewards, log, NEW) for log in logs]
    truths = np.array([true_value(simulation, log.test, scores, NEW) for log in logs])
    for name in VALUES:
        limits = _limits(found, name)
        value, low, high = limits
        yield {
            "ranking": model.name,
            "estimate": name,
            "truth": float(truths.mean()),
            "mean": float(value.mean()),
            "typical error": float(np.sqrt(((value - truths) ** 2).mean())),
            "interval": float((high - low).mean()),
            "holds the truth": f"{((low <= truths) & (truths <= high)).sum()} of {len(logs)}",
            "effective size": round(np.mean([each.weighted.effective_size for each in found])),
            "support": float(_limits(found, SUPPORT)[0].mean()),
        }


def _limits(found: list[Estimates], name: str) -> Floats:
    """Return the value of an estimate and its interval in all logs, (3, logs)."""
    intervals = [each.figures[name].interval for each in found]
    limits: Floats = np.array([(each.value, each.low, each.high) for each in intervals], float).T
    return limits


def _explore() -> Iterator[Row]:
    """Yield the expected scores of a misled bandit and of a greedy ranking, by platform."""
    for seed in range(5):
        simulation = _simulate(replace(SMALL, seed=seed))
        values = curator_values(simulation)
        features = one_hot(simulation)
        for name, choose in (("greedy", exploit), ("bandit", explore)):
            rounds = run_rounds(
                *(simulation.world, misled(values), features, choose),
                np.random.RandomState(seed),
                lists=LISTS_A_ROUND,
            )
            reached = [each.value for each in islice(rounds, ROUNDS[-1])]
            yield {
                "platform": seed,
                "ranking": name,
                **{f"round {each}": reached[each - 1] for each in ROUNDS},
                "best": float(np.sort(values)[-3:].mean()),
            }


def _simulate(settings: Settings) -> Simulation:
    random = np.random.RandomState(settings.seed)
    vocabularies = read_vocabularies((), {})
    songs = make_songs(vocabularies["subgenres"], vocabularies["moodthemes"], random)
    return simulate(songs, settings, random)


def _train(simulation: Simulation) -> dict[str, Recommender]:
    """Train the models on all campaigns, which end before the logs begin."""
    training = prepare_training(simulation.platform, simulation.vectors, TargetWeights())
    models = make_models((LOGS_BY, REWARDS, *RANKINGS))
    for model in models:
        model.fit(training)
    return {model.name: model for model in models}


def _all_scores(simulation: Simulation, model: Recommender) -> Floats:
    platform = simulation.platform
    artists, curators = (np.arange(len(each.ids)) for each in (platform.artists, platform.curators))
    return model.score(artists, curators).astype(float)


if __name__ == "__main__":
    typer.run(main)
