"""The rows of a platform's tables, with what each column must hold."""

import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from app.recommender.data import OUTCOMES

SEPARATOR = "|"
"""Between the names of a list in a cell of text."""


def _as_id(value: object) -> object:
    """Return a number or a UUID as text; pandas makes floats of numbers if some are missing."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    is_other_id = isinstance(value, int | UUID) and not isinstance(value, bool)
    return str(value) if is_other_id else value


def _as_list(value: object) -> object:
    """Return the names in a cell: a list, JSON, or text with separators."""
    if value is None:
        return ()
    if not isinstance(value, str):
        return value
    if value.lstrip().startswith("["):
        try:
            return json.loads(value)
        except RecursionError as error:
            raise ValueError from error
    return [name.strip() for name in value.split(SEPARATOR) if name.strip()]


def _as_texts(value: object) -> object:
    """Return the items of a list as texts; features of biographies are of any type."""
    items = _as_list(value)
    return [str(each) for each in items] if isinstance(items, list | tuple) else items


def _check_outcome(value: float) -> float:
    if value not in OUTCOMES:
        raise ValueError
    return value


def _in_utc(value: datetime) -> datetime:
    """Return a time in UTC; one without a zone is in UTC."""
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


Id = Annotated[str, BeforeValidator(_as_id), Field(min_length=1)]
Names = Annotated[tuple[str, ...], BeforeValidator(_as_list)]
Texts = Annotated[tuple[str, ...], BeforeValidator(_as_texts)]
Time = Annotated[datetime, AfterValidator(_in_utc)]
Outcome = Annotated[float, AfterValidator(_check_outcome)]
Position = Annotated[int, Field(ge=1)]
Propensity = Annotated[float, Field(gt=0, le=1)]
Rating = Annotated[float, Field(ge=1, le=5)]
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Row(BaseModel):
    """A row of a table; columns that it does not name are not used."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    @classmethod
    def required_columns(cls) -> tuple[str, ...]:
        """Return the names of the columns that a table must have."""
        return tuple(name for name, field in cls.model_fields.items() if field.is_required())


class ArtistRow(Row):
    """An artist: the subgenres are self-chosen."""

    artist_id: Id
    subgenres: Names
    country: str | None
    joined: Time | None
    goal: str | None = None
    bio_features: Texts = ()


class CuratorRow(Row):
    """A curator, with the subgenres that they say they like, accept and dislike."""

    curator_id: Id
    liked: Names
    neutral: Names
    disliked: Names
    country: str | None
    language: str | None


class TrackRow(Row):
    """A track of an artist."""

    external_id: Id
    artist_id: Id
    track_id: Id | None = None


class InteractionRow(Row):
    """What a curator answered to an artist; see `app.recommender.data.Interactions`."""

    artist_id: Id
    curator_id: Id
    score: Outcome
    at: Time
    track_id: Id | None = None
    external_id: Id | None = None
    position: Position | None = None
    propensity: Propensity | None = None
    rating: Rating | None = None
    in_contact: bool | None = None
    viewed_s: Seconds | None = None


NAMES, TIME = f"a list of names, as JSON or with {SEPARATOR} between them", "a time in ISO 8601"
EXPECTED = {
    **dict.fromkeys(("artist_id", "curator_id", "track_id", "external_id"), "an id"),
    **dict.fromkeys(("subgenres", "liked", "neutral", "disliked"), NAMES),
    **dict.fromkeys(("country", "language", "goal"), "a text"),
    **dict.fromkeys(("joined", "at"), TIME),
    "bio_features": "a list",
    "score": "one of 0, 0.25, 0.5 and 1",
    "position": "a whole number from 1",
    "propensity": "a probability above 0, up to 1",
    "rating": "a number from 1 to 5",
    "in_contact": "true or false",
    "viewed_s": "seconds, from 0",
}
"""What each column holds, for messages."""

TABLES: dict[str, type[Row]] = {
    "artists": ArtistRow,
    "curators": CuratorRow,
    "tracks": TrackRow,
    "interactions": InteractionRow,
}


def without_blanks(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row with None for empty texts and for NaN, which pandas writes for missing cells."""
    return {name: None if _is_blank(value) else value for name, value in row.items()}


def _is_blank(value: object) -> bool:
    return value == "" or (isinstance(value, float) and math.isnan(value))
