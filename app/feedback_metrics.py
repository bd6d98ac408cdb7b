"""Prometheus metrics of feedback, on suggested tags and on recommended curators."""

from prometheus_client import CollectorRegistry, Counter

from app.domain import Feedback, RecommendationFeedback

MAX_RECOMMENDERS = 20
"""Recommenders that have a label; clients name them, and all further ones are `other`."""


class FeedbackMetrics:
    """Counts what artists report."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._feedback = Counter(
            "taggram_feedback", "Feedback given.", ["vocabulary"], registry=registry
        )
        self._shown = Counter(
            "taggram_feedback_shown",
            "Suggestions that artists gave feedback on, by their rank.",
            ["vocabulary", "rank"],
            registry=registry,
        )
        self._accepted = Counter(
            "taggram_feedback_accepted",
            "Suggestions that artists accepted, by their rank.",
            ["vocabulary", "rank"],
            registry=registry,
        )
        self._added = Counter(
            "taggram_feedback_added",
            "Tags that artists added to those shown.",
            ["vocabulary"],
            registry=registry,
        )
        self._outcomes = Counter(
            "taggram_recommendation_outcomes",
            "Outcomes of recommended curators in feedback.",
            ["recommender", "outcome"],
            registry=registry,
        )
        self._recommenders: set[str] = set()

    def count_tags(self, feedback: Feedback) -> None:
        """Count an artist's feedback; its vocabulary must exist, as it becomes a label."""
        vocabulary = feedback.vocabulary
        self._feedback.labels(vocabulary).inc()
        self._added.labels(vocabulary).inc(len(feedback.added))
        for rank, shown in enumerate(feedback.shown, 1):
            self._shown.labels(vocabulary, str(rank)).inc()
            self._accepted.labels(vocabulary, str(rank)).inc(shown.accepted)

    def count_outcomes(self, feedback: RecommendationFeedback) -> None:
        """Count what became of recommended curators, by recommender."""
        recommender = str(feedback.recommender)
        if len(self._recommenders) < MAX_RECOMMENDERS:
            self._recommenders.add(recommender)
        label = recommender if recommender in self._recommenders else "other"
        for each in feedback.outcomes:
            self._outcomes.labels(label, each.outcome).inc()
