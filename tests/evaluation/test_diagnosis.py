"""The diagnosis names the tags that need data, are confused, or whose thresholds fail."""

import numpy as np
import pytest

from app.evaluation.figures import Calibration, Evaluation, Interval
from app.evaluation.report.comparison import best
from app.evaluation.report.diagnosis import Finding, diagnose
from app.evaluation.report.model_tables import tabulate_calibration
from tests.support.trained import evaluation, figures

NAMES = ("rock", "pop", "jazz", "folk", "metal")


def around(value: float, width: float = 0.02) -> Interval:
    return Interval(value=value, low=value - width, high=value + width)


def evaluated(**changes: object) -> Evaluation:
    """Five tags without findings, the first with these changes; the mean PR-AUC is .432."""
    plain = {
        "roc_auc": around(0.9),
        "pr_auc": around(0.5),
        "positives": 50,
        "threshold": 0.4,
        "precision": 0.8,
    }
    rock, *others = (figures(name).model_copy(update=plain) for name in NAMES)
    found = evaluation(rock.model_copy(update=changes), *others)
    return found.model_copy(update={"confusion": confusion()})


def confusion(**shares: tuple[float, ...]) -> tuple[tuple[float, ...], ...]:
    """Four tenths for each tag itself, and the rest evenly, except the rows of some tags."""
    matrix = np.full((5, 5), 0.15) + 0.25 * np.eye(5)
    for name, row in shares.items():
        matrix[NAMES.index(name)] = row
    return tuple(map(tuple, matrix.tolist()))


def kinds(found: list[Finding]) -> list[tuple[str, str]]:
    return [(finding.tag, finding.kind) for finding in found]


def test_tags_that_are_predicted_well_have_no_findings() -> None:
    assert diagnose(evaluated()) == []


@pytest.mark.parametrize(
    ("changes", "kind", "figure"),
    [
        ({"roc_auc": around(0.51)}, "not better than guessing", "0.510 (0.490–0.530)"),
        ({"pr_auc": around(0.3), "train_positives": 99}, "needs training songs", "99 examples"),
        ({"pr_auc": around(0.3), "train_positives": 101}, "labels to check", "101 examples"),
        ({"pr_auc": around(0.5, 0.2)}, "needs test songs", "0.300–0.700"),
        ({"threshold": None}, "no threshold", "80%"),
        ({"precision": None}, "threshold too high", "0.400"),
        ({"precision": 0.6}, "threshold too low", "60%"),
    ],
)
def test_a_finding_has_the_figures_that_show_it(
    changes: dict[str, object], kind: str, figure: str
) -> None:
    [finding] = diagnose(evaluated(**changes))
    assert (finding.tag, finding.kind) == ("rock", kind)
    assert figure in finding.why


def test_a_tag_whose_interval_reaches_the_mean_is_not_weak() -> None:
    assert diagnose(evaluated(pr_auc=around(0.4, 0.04))) == []


def test_without_training_songs_evaluated_ones_are_the_examples() -> None:
    tags = [
        each.model_copy(update={"train_positives": 0})
        for each in evaluated(pr_auc=around(0.3), positives=30).tags
    ]
    [finding] = diagnose(evaluated().model_copy(update={"tags": tuple(tags)}))
    assert finding.kind == "needs training songs"
    assert "30 examples (median 50)" in finding.why


def test_without_validation_no_threshold_is_missing() -> None:
    tags = [each.model_copy(update={"threshold": None}) for each in evaluated().tags]
    assert diagnose(evaluated().model_copy(update={"tags": tuple(tags)})) == []


def test_a_confused_tag_is_named_with_its_shares() -> None:
    shares = confusion(metal=(0.45, 0.1, 0.1, 0.1, 0.4))
    [finding] = diagnose(evaluated().model_copy(update={"confusion": shares}))
    assert (finding.tag, finding.kind) == ("rock", "confused with metal")
    assert finding.why == (
        "In its songs, metal has 45% of the scores, the tag itself 40%; in other songs, metal has "
        "10%."
    )


def test_a_tag_that_most_songs_are_given_is_predicted_too_often() -> None:
    shares = confusion(metal=(0.45, 0.42, 0.42, 0.42, 0.5))
    [finding] = diagnose(evaluated().model_copy(update={"confusion": shares}))
    assert (finding.tag, finding.kind) == ("metal", "predicted too often")


def test_tags_of_few_songs_are_not_called_confused() -> None:
    shares = confusion(metal=(0.45, 0.1, 0.1, 0.1, 0.4))
    few = evaluated(positives=19).model_copy(update={"confusion": shares})
    assert diagnose(few) == []


def test_tags_that_were_not_measured_come_with_the_reason_alone() -> None:
    lost = {"rock": "no track of the part test has it", "waltz": "no raw tag maps to it"}
    nothing = Interval(value=None)
    found = diagnose(
        evaluated(roc_auc=nothing, pr_auc=nothing, threshold=None).model_copy(
            update={"left_out": lost}
        )
    )
    assert sorted(kinds(found)) == [("rock", "not measured"), ("waltz", "not measured")]
    assert {finding.why for finding in found} == {
        f"It has no figures: {why}." for why in lost.values()
    }


def test_the_weakest_tags_come_first() -> None:
    tags = [
        each.model_copy(update={"pr_auc": around(value)})
        for each, value in zip(evaluated().tags, (0.3, 0.5, 0.1, 0.5, 0.2), strict=True)
    ]
    found = diagnose(evaluated().model_copy(update={"tags": tuple(tags)}))
    assert [finding.tag for finding in found] == ["jazz", "metal", "rock"]


def test_figures_whose_intervals_overlap_with_the_highest_are_best_too() -> None:
    low, high, near = around(0.5), around(0.7), around(0.67)
    assert best([low, high, near, Interval(value=None)]) == {1, 2}
    assert best([Interval(value=None)]) == frozenset()


def test_bins_of_scores_are_over_or_under_confident_if_their_interval_shows_it() -> None:
    calibration = Calibration(
        scores=(0.1, 0.5, 0.9, 0.95), frequencies=(0.3, 0.45, 0.6, 1.0),
        counts=(1000, 20, 200, 3), expected_error=0.1,
    )  # fmt: skip
    findings = [row[1].text for row in tabulate_calibration(calibration, tracks=500).rows]
    uncertain = "no significant difference"
    assert findings == ["under-confident", uncertain, "over-confident", uncertain]
