"""The rows that feedback is stored as."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from app.domain import Feedback, RecommendationFeedback

FIND_TAGS = "SELECT 1 FROM feedback WHERE feedback_id = :feedback_id LIMIT 1"
INSERT_TAG = """
INSERT INTO feedback VALUES (
    :feedback_id, :given_at, :track_id, :models, :vocabulary, :vocabulary_version, :pooling,
    :confidence, :tag, :rank, :score, :verdict
)
"""

FIND_OUTCOMES = "SELECT 1 FROM outcomes WHERE feedback_id = :feedback_id LIMIT 1"
INSERT_OUTCOME = """
INSERT INTO outcomes VALUES (
    :feedback_id, :given_at, :recommendation_id, :recommender, :artist_id, :curator_id, :position,
    :propensity, :outcome, :track_id
)
"""

Row = Mapping[str, object]


@dataclass(frozen=True)
class Append:
    """Rows to append to a table, unless feedback with their id is in it.

    Attributes:
        find: The query for rows with the id.
        insert: The statement that inserts a row.
        common: What all rows have in common.
        rows: What each of them has on top, except `given_at`.
    """

    find: str
    insert: str
    common: Row
    rows: tuple[Row, ...]


def append_of(feedback: Feedback | RecommendationFeedback) -> Append:
    """Return the rows of feedback."""
    if isinstance(feedback, RecommendationFeedback):
        return _append_of_outcomes(feedback)
    return _append_of_tags(feedback)


def _append_of_tags(feedback: Feedback) -> Append:
    common = {
        "feedback_id": str(feedback.id),
        "track_id": feedback.track_id,
        "models": " ".join(str(model) for model in feedback.models),
        "vocabulary": feedback.vocabulary,
        "vocabulary_version": feedback.vocabulary_version,
        "pooling": feedback.pooling,
        "confidence": feedback.confidence,
    }
    return Append(FIND_TAGS, INSERT_TAG, common, tuple(_tag_rows(feedback)))


def _tag_rows(feedback: Feedback) -> Iterator[Row]:
    """Yield a row for each tag: first those shown, in order, then those added."""
    for rank, shown in enumerate(feedback.shown, 1):
        verdict = "accepted" if shown.accepted else "rejected"
        yield {"tag": shown.tag, "rank": rank, "score": shown.score, "verdict": verdict}
    for tag in feedback.added:
        yield {"tag": tag, "rank": None, "score": None, "verdict": "added"}


def _append_of_outcomes(feedback: RecommendationFeedback) -> Append:
    common = {
        "feedback_id": str(feedback.id),
        "recommendation_id": str(feedback.recommendation_id),
        "recommender": str(feedback.recommender),
        "artist_id": feedback.artist_id,
    }
    rows = tuple(
        {
            "curator_id": each.curator_id,
            "position": each.position,
            "propensity": each.propensity,
            "outcome": each.outcome,
            "track_id": each.track_id,
        }
        for each in feedback.outcomes
    )
    return Append(FIND_OUTCOMES, INSERT_OUTCOME, common, rows)
