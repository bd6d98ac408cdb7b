"""Prometheus metrics of recommended curators."""

from typing import Literal

from prometheus_client import CollectorRegistry, Counter, Histogram

from app.domain import ModelRef

_SECONDS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


class RecommendationMetrics:
    """Counts answers with curators, and records their time."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._recommendations = Counter(
            "taggram_recommendations",
            "Answers with curators, by whether content alone decided.",
            ["recommender", "cold"],
            registry=registry,
        )
        self._recommendation = Histogram(
            "taggram_recommendation_seconds",
            "Time to recommend, from the lookup of the tracks to the curators.",
            ["recommender"],
            buckets=_SECONDS,
            registry=registry,
        )
        self._recommendation_tracks = Counter(
            "taggram_recommendation_tracks",
            "Tracks in requests for recommendations, by where their tags were found.",
            ["source"],
            registry=registry,
        )
        for source in ("cache", "catalogue", "unknown"):
            self._recommendation_tracks.labels(source)

    def count_answer(self, recommender: ModelRef, seconds: float, *, is_cold: bool) -> None:
        """Count an answer of a recommender, and record its time."""
        self._recommendations.labels(str(recommender), str(is_cold).lower()).inc()
        self._recommendation.labels(str(recommender)).observe(seconds)

    def count_tracks(self, source: Literal["cache", "catalogue", "unknown"], tracks: int) -> None:
        """Count tracks in requests for recommendations."""
        self._recommendation_tracks.labels(source).inc(tracks)
