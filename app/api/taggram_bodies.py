"""The bodies of `GET /taggram`: JSON, a table or a picture."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Self

import numpy as np

from app.api.schemas.parameters import Extra, TaggramParameters
from app.api.schemas.tags import ModelOut, TaggramOut
from app.domain import PEAK_FULL_SCALE, Level, Peaks, Taggram
from app.tagging.projection import Projection
from app.tagging.table import tabulate
from app.tagging.timeline import Timeline

JSON, PNG, CSV = "application/json", "image/png", "text/csv"

RENDERER = version("taggram"), version("matplotlib")
"""Versions on which the look of a picture depends, besides the scores."""


def etag_of(content: bytes) -> str:
    """Return a weak ETag of a body."""
    return f'W/"{hashlib.sha256(content).hexdigest()[:32]}"'


@dataclass(frozen=True, eq=False)
class Picture:
    """The content of a picture.

    Attributes:
        shown: The scores.
        rows: The labels of its rows.
        title: The title above it.
        etag: Identifies the content, before the picture is drawn.
    """

    shown: Timeline
    rows: list[str]
    title: str
    etag: str

    @classmethod
    def of(cls, query: TaggramParameters, shown: Timeline, projection: Projection) -> Self:
        """Return the content of the requested picture, before it is drawn.

        Args:
            query: The parameters of the request.
            shown: The scores to draw.
            projection: The vocabulary of the scores.
        """
        rows = _rows(shown, projection)
        title = f"{projection.vocabulary.name}, track {query.track_id[:12]}"
        content = json.dumps([RENDERER, title, rows, shown.times_s, shown.window_s])
        return cls(shown, rows, title, etag_of(content.encode() + shown.scores.tobytes()))

    def draw(self) -> bytes:
        """Return the picture in PNG."""
        from app.tagging.picture import draw  # noqa: PLC0415 - takes half a second, rarely needed

        shown = self.shown
        return draw(shown.times_s, shown.window_s, self.rows, shown.scores, self.title)


def render(
    media_type: str,
    query: TaggramParameters,
    shown: Timeline,
    projection: Projection,
    taggrams: Sequence[Taggram],
) -> bytes:
    """Return the body as JSON or CSV.

    Args:
        media_type: `JSON` or `CSV`.
        query: The parameters of the request.
        shown: The scores to return.
        projection: The vocabulary of the scores.
        taggrams: The taggram of each model of the projection.
    """
    if media_type == CSV:
        return tabulate(shown.times_s, _names(shown), shown.scores).encode()
    return _answer(query, shown, projection, taggrams).model_dump_json().encode()


def _answer(
    query: TaggramParameters,
    shown: Timeline,
    projection: Projection,
    taggrams: Sequence[Taggram],
) -> TaggramOut:
    models = [ModelOut.of(manifest.ref) for manifest in projection.models]
    return TaggramOut(
        track_id=query.track_id,
        duration_s=round(taggrams[0].duration_s, 3),
        damaged=taggrams[0].announced_s is not None,
        announced_s=taggrams[0].announced_s,
        model=models[0],
        models=models,
        vocabulary=projection.vocabulary.name,
        vocabulary_version=projection.vocabulary.version,
        window_s=shown.window_s,
        hop_s=shown.hop_s,
        times_s=shown.times_s,
        pooling=query.pooling,
        confidence=projection.confidence(taggrams),
        tags=_names(shown),
        labels=_labels(shown, projection),
        levels=[row.level for row in shown.rows],
        scores=_rounded(shown.scores),
        mean_scores=_rounded(shown.mean_scores),
        pooled_scores=_rounded(shown.pooled_scores),
        peaks=_peaks(taggrams[0].peaks) if query.include is Extra.PEAKS else None,
    )


def _names(shown: Timeline) -> list[str]:
    return [row.name for row in shown.rows]


def _labels(shown: Timeline, projection: Projection) -> list[str]:
    return [projection.vocabulary.label(row.name) for row in shown.rows]


def _rows(shown: Timeline, projection: Projection) -> list[str]:
    """Return labels for a picture, with genres marked."""
    return [
        f"{label} (genre)" if row.level is Level.GENRE else label
        for row, label in zip(shown.rows, _labels(shown, projection), strict=True)
    ]


def _rounded(scores: np.ndarray) -> list[float]:
    """Round to six decimals, which is finer than the models' noise and half the bytes."""
    rounded: list[float] = scores.astype(np.float64).round(6).tolist()
    return rounded


def _peaks(peaks: Peaks) -> list[tuple[float, float]]:
    """Return fractions of full scale; three decimals are finer than the 8 bits stored."""
    pairs: list[tuple[float, float]] = (peaks / PEAK_FULL_SCALE).round(3).tolist()
    return pairs
