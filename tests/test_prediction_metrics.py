"""Suggestions are counted by the vocabulary, the models and the first tag."""

from app.domain import Confidence, Level, ModelRef, Suggestion
from app.metrics import Metrics
from app.prediction_metrics import NO_TAG
from tests.support.exposition import values

MODELS = (ModelRef("msd-musicnn", "1"), ModelRef("mtt-musicnn", "2"))
BOTH = "msd-musicnn/1 mtt-musicnn/2"


def suggestion(tag: str, score: float) -> Suggestion:
    return Suggestion(tag, tag.title(), Level.TAG, score, ())


def expecting(*tags: str) -> Metrics:
    metrics = Metrics()
    metrics.predictions.expect("subgenres", MODELS, tags)
    return metrics


def test_all_tags_of_a_vocabulary_are_counted_from_the_start() -> None:
    metrics = expecting("dub", "techno")

    assert values(metrics, "taggram_first_tags_total") == {
        (BOTH, "dub", "subgenres"): 0,
        (BOTH, "techno", "subgenres"): 0,
        (BOTH, NO_TAG, "subgenres"): 0,
    }
    assert values(metrics, "taggram_first_tag_score_count") == {(BOTH, "subgenres"): 0}
    assert values(metrics, "taggram_confidence_total") == {
        (confidence.value, BOTH, "subgenres"): 0 for confidence in Confidence
    }


def test_only_the_first_suggestion_counts() -> None:
    metrics = expecting("dub", "techno")
    suggestions = [suggestion("techno", 0.75), suggestion("dub", 0.5)]

    metrics.predictions.suggested("subgenres", MODELS, suggestions, Confidence.HIGH)

    tags = values(metrics, "taggram_first_tags_total")
    assert tags[BOTH, "techno", "subgenres"] == 1
    assert tags[BOTH, "dub", "subgenres"] == 0
    assert values(metrics, "taggram_first_tag_score_sum") == {(BOTH, "subgenres"): 0.75}
    assert values(metrics, "taggram_confidence_total")["high", BOTH, "subgenres"] == 1


def test_a_track_without_suggestions_counts_without_a_score() -> None:
    metrics = expecting("dub")

    metrics.predictions.suggested("subgenres", MODELS, [], Confidence.LOW)

    assert values(metrics, "taggram_first_tags_total")[BOTH, NO_TAG, "subgenres"] == 1
    assert values(metrics, "taggram_first_tag_score_count") == {(BOTH, "subgenres"): 0}


def test_counts_of_models_that_are_replaced_are_removed() -> None:
    metrics = expecting("dub")
    metrics.predictions.suggested("subgenres", MODELS, [suggestion("dub", 0.5)], Confidence.HIGH)

    metrics.predictions.clear()
    metrics.predictions.expect("subgenres", MODELS[:1], ["techno"])

    assert values(metrics, "taggram_first_tags_total") == {
        ("msd-musicnn/1", "techno", "subgenres"): 0,
        ("msd-musicnn/1", NO_TAG, "subgenres"): 0,
    }
