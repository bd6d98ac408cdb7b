"""Prometheus metrics of what was suggested, so that a drift of the predictions is seen.

The number of label values is bounded: vocabularies and models are those that are loaded, and tags
are those of the vocabularies.
"""

from collections.abc import Iterable, Sequence

from prometheus_client import CollectorRegistry, Counter, Histogram

from app.domain import Confidence, ModelRef, Suggestion

NO_TAG = "(none)"
"""The label of tracks without a suggestion over the threshold."""

_SCORES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)


class PredictionMetrics:
    """The first suggestion of each track, its score, and the confidence.

    Only the first suggestion counts, so that clients that ask for more suggestions do not look like
    a drift.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        labels = ["vocabulary", "models"]
        self._tags = Counter(
            "taggram_first_tags",
            "Tracks by the tag that was suggested first; `(none)` without a suggestion.",
            [*labels, "tag"],
            registry=registry,
        )
        self._scores = Histogram(
            "taggram_first_tag_score",
            "Score of the tag that was suggested first.",
            labels,
            buckets=_SCORES,
            registry=registry,
        )
        self._confidence = Counter(
            "taggram_confidence",
            "Tracks by the confidence that they are music that the models know.",
            [*labels, "confidence"],
            registry=registry,
        )

    def clear(self) -> None:
        """Remove all counts, before other models are served."""
        for metric in (self._tags, self._scores, self._confidence):
            metric.clear()

    def expect(self, vocabulary: str, models: Sequence[ModelRef], tags: Iterable[str]) -> None:
        """Start all counts of a vocabulary at 0, so that no first count is missed.

        Args:
            vocabulary: The name of the vocabulary.
            models: The models that it uses.
            tags: All tags and genres that may be suggested.
        """
        labels = vocabulary, join_models(models)
        for tag in (*tags, NO_TAG):
            self._tags.labels(*labels, tag)
        self._scores.labels(*labels)
        for confidence in Confidence:
            self._confidence.labels(*labels, confidence)

    def suggested(
        self,
        vocabulary: str,
        models: Sequence[ModelRef],
        suggestions: Sequence[Suggestion],
        confidence: Confidence,
    ) -> None:
        """Count the suggestions for a track.

        Args:
            vocabulary: The name of the vocabulary.
            models: The models that scored the track.
            suggestions: The suggestions, best first.
            confidence: The confidence of the suggestions.
        """
        labels = vocabulary, join_models(models)
        self._tags.labels(*labels, suggestions[0].tag if suggestions else NO_TAG).inc()
        if suggestions:
            self._scores.labels(*labels).observe(suggestions[0].score)
        self._confidence.labels(*labels, confidence).inc()


def join_models(models: Sequence[ModelRef]) -> str:
    """Return the label of several models."""
    return " ".join(map(str, models))
