"""What feedback on recommendations amounts to: the latest outcome of each recommended curator."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from app.feedback.file import open_readable

# SQLite takes the columns next to MAX from the row of the maximum.
LATEST = """
WITH latest AS (
    SELECT *, MAX(rowid) AS latest_row FROM outcomes GROUP BY recommendation_id, curator_id
)
"""

ANSWERS = f"""{LATEST}, sent AS (
    SELECT recommendation_id, curator_id, track_id AS sent_track, MAX(rowid) FROM outcomes
    WHERE track_id IS NOT NULL GROUP BY recommendation_id, curator_id
)
SELECT artist_id, curator_id, sent_track,
    CASE outcome
        WHEN 'declined' THEN 0.0 WHEN 'feedback' THEN 0.25 WHEN 'agreed' THEN 0.5
        WHEN 'shared' THEN 1.0
    END,
    given_at, position, propensity
FROM latest LEFT JOIN sent USING (recommendation_id, curator_id)
WHERE outcome <> 'sent' ORDER BY latest_row
"""  # noqa: S608 - made of constants
"""The latest answer of each curator with its score, oldest first; `sent` alone is no answer."""

COUNTS_OF_ARTISTS = f"""{LATEST}, begun AS (
    SELECT recommendation_id, MIN(given_at) AS begun_at FROM outcomes GROUP BY recommendation_id
)
SELECT recommender, artist_id, COUNT(DISTINCT recommendation_id), COUNT(*),
    SUM(outcome IN ('agreed', 'shared')), SUM(outcome = 'declined'), SUM(outcome = 'sent')
FROM latest JOIN begun USING (recommendation_id)
WHERE begun_at >= :since GROUP BY recommender, artist_id ORDER BY recommender, artist_id
"""  # noqa: S608 - as above


@dataclass(frozen=True)
class ArtistCounts:
    """What became of the curators that a recommender recommended to an artist.

    Attributes:
        recommender: The name and version of the recommender.
        artist_id: The platform's id.
        recommendations: The number of recommendations with feedback.
        sent: The number of recommended curators who were sent a track.
        accepted: The number of them who agreed to share it, or shared it.
        declined: The number of them who declined it without feedback.
        unanswered: The number of them who have not answered yet.
    """

    recommender: str
    artist_id: str
    recommendations: int
    sent: int
    accepted: int
    declined: int
    unanswered: int


def count_by_artist(source: Path, since: datetime | None = None) -> list[ArtistCounts]:
    """Return the counts of each recommender and artist, in the order of both.

    Args:
        source: The service's feedback file.
        since: Recommendations with feedback before are left out; UTC if it has no zone.

    Raises:
        SetupError: The source is not a feedback file.
    """
    with open_readable(source) as connection:
        rows = connection.execute(COUNTS_OF_ARTISTS, {"since": _as_stored(since)})
        return [ArtistCounts(*row) for row in rows]


def count_unanswered(source: Path) -> int:
    """Return the number of recommended curators who were sent a track and have not answered.

    Raises:
        SetupError: The source is not a feedback file.
    """
    with open_readable(source) as connection:
        query = f"{LATEST} SELECT COUNT(*) FROM latest WHERE outcome = 'sent'"  # noqa: S608 - as above
        count: int = connection.execute(query).fetchone()[0]
    return count


def _as_stored(at: datetime | None) -> str:
    """Return a time as `given_at` has it, which sorts as text; empty before all times."""
    if at is None:
        return ""
    in_utc = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    return f"{in_utc.replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"
