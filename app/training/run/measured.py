"""The figures, thresholds and calibration of an evaluation, as tables of a manifest."""

from app.evaluation.figures import Evaluation, Interval, TagFigures

DECIMALS = 6
"""The same precision as the scores of suggestions."""


def untrained_tags(evaluation: Evaluation | None) -> tuple[str, ...]:
    """Return the tags that no track of the training part has."""
    figures = evaluation.tags if evaluation else ()
    return tuple(each.tag for each in figures if each.train_positives == 0)


def measured_tables(evaluation: Evaluation) -> dict[str, object]:
    """Return the tables `evaluation`, `thresholds` and `calibration` of a manifest."""
    calibration = evaluation.calibration
    return {
        "evaluation": _figures(evaluation),
        "thresholds": _thresholds(evaluation),
        "calibration": {
            "scores": tuple(map(rounded, calibration.scores)),
            "frequencies": tuple(map(rounded, calibration.frequencies)),
            "counts": calibration.counts,
            "expected_error": rounded(calibration.expected_error),
        },
    }


def _figures(evaluation: Evaluation) -> dict[str, object] | None:
    """Return the figures of whole songs by the mean, or None if no tag could be measured."""
    roc, pr = evaluation.song.roc_auc_macro, evaluation.song.pr_auc_macro
    if roc.value is None or pr.value is None:
        return None
    return {
        "dataset": f"{evaluation.task}, part {evaluation.part}",
        "roc_auc": rounded(roc.value),
        "pr_auc": rounded(pr.value),
        "roc_auc_interval": _bounds(roc),
        "pr_auc_interval": _bounds(pr),
        "split": evaluation.split,
        "fingerprint": evaluation.fingerprint,
        "tracks": evaluation.tracks,
        "tags": dict(filter(None, map(_tag, evaluation.tags))),
    }


def _tag(figures: TagFigures) -> tuple[str, dict[str, object]] | None:
    roc, pr = figures.roc_auc.value, figures.pr_auc.value
    if roc is None or pr is None:
        return None
    return figures.tag, {
        "roc_auc": rounded(roc),
        "pr_auc": rounded(pr),
        "positives": figures.positives,
    }


def _thresholds(evaluation: Evaluation) -> dict[str, object] | None:
    """Return the thresholds, or None if no tag has one, as without a validation part."""
    chosen = {
        each.tag: rounded(each.threshold) for each in evaluation.tags if each.threshold is not None
    }
    return {"precision": evaluation.preferred_precision, "scores": chosen} if chosen else None


def _bounds(interval: Interval) -> tuple[float, float] | None:
    if interval.low is None or interval.high is None:
        return None
    return rounded(interval.low), rounded(interval.high)


def rounded(figure: float) -> float:
    """Return a figure with the decimals of manifests."""
    return round(figure, DECIMALS)
