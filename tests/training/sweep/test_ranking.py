"""Trials are ranked by rung and figure, and compared on the same draws."""

import csv
from pathlib import Path

import numpy as np

from app.training.sweep.plan import Candidate
from app.training.sweep.ranking import Trial, rank, write_ranking
from app.training.sweep.trial import TrialResult
from tests.support.toy import toy_recipe

DRAWS = np.random.default_rng(1).normal(0, 0.05, 1_000)
"""The same songs are drawn for all trials: their figures rise and fall together."""


def trial(number: int, rung: int, value: float | None, own_noise: float = 0.001) -> Trial:
    """Return a trial with this figure, or one that failed."""
    settings = {"front_end": f"mel {number}", "batch_size": "=16"}
    result = TrialResult(error="the loss is not finite")
    if value is not None:
        noise = np.random.default_rng(number).normal(0, own_noise, len(DRAWS))
        figures = (value, *(value + DRAWS + noise).tolist())
        result = TrialResult(roc_auc=figures, pr_auc=figures, seconds=9.5, epochs=2, parameters=7)
    return Trial(Candidate(number, settings, toy_recipe()), rung, 0.1 * rung, result)


TRIALS = [
    trial(1, 1, 0.70),
    trial(2, 1, None),
    trial(3, 1, 0.80),
    trial(4, 1, 0.81),
    trial(3, 2, 0.90),
    trial(4, 2, 0.85),
]


def test_later_rungs_come_first_and_failed_trials_last() -> None:
    ranked = rank(TRIALS, "roc_auc")
    assert [each.trial.candidate.number for each in ranked] == [3, 4, 1, 2]
    assert [each.trial.rung for each in ranked] == [2, 2, 1, 1]


def test_trials_are_compared_on_the_same_draws_with_the_first_of_their_rung() -> None:
    first, second, third, failed = rank(TRIALS, "roc_auc")
    assert first.roc_auc.low < second.roc_auc.value  # the intervals overlap
    assert second.behind.low > 0.04  # and yet the difference is clear
    assert np.isclose(second.behind.value, 0.05)
    assert np.isclose(third.behind.value, 0.11)  # to .81, in the first rung
    assert (first.behind.low, first.behind.high) == (0, 0)
    assert failed.behind.value is None


def test_the_table_and_the_picture_are_written(tmp_path: Path) -> None:
    write_ranking(tmp_path, rank(TRIALS, "roc_auc"), "roc_auc")
    with (tmp_path / "sweep.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["front_end"] for row in rows] == ["mel 3", "mel 4", "mel 1", "mel 2"]
    assert rows[0]["batch_size"] == "'=16"  # not a formula
    assert (rows[0]["roc_auc"], rows[0]["seconds"], rows[0]["parameters"]) == ("0.9000", "9.5", "7")
    assert rows[3]["error"] == "the loss is not finite"
    assert (tmp_path / "sweep.png").read_bytes().startswith(b"\x89PNG")
