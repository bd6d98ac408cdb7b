"""Suggestions computed from raw scores of labelled excerpts, without audio or service."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from app.domain import PEAK_PAIRS, Confidence, Precision, Taggram, TaggramKey
from app.settings import Settings
from app.store.manifest import Manifest, read_store
from app.store.store import Store
from app.tagging.pooling import Pooling
from app.tagging.projection import Projection, project
from app.tagging.suggest import suggest
from app.tagging.vocabulary_file import read_vocabularies
from loadtests.tag_quality_metrics import Answer, Plausible

NO_PEAKS = np.zeros((PEAK_PAIRS, 2), np.int8)
EXCERPT_S = 3.0
TOP_K = 20
NAMES = {"jamendo-fcn": "jam-fcn", "jamendo-musicnn": "jam-musicnn"}
"""Older names of models, as scores may have them."""


def answer_scores(path: Path, models: tuple[str, ...], plausible: Plausible) -> Iterator[Answer]:
    """Yield an answer for each excerpt; by default by the service's default models."""
    content = np.load(path)
    columns = {str(name): index for index, name in enumerate(content["columns"])}
    published = read_store(Store(Settings().model_store))
    asked = [published[name] for name in models or Settings.model_fields["models"].default]
    families: dict[str, set[str]] = {}
    for model in asked:
        families.setdefault(model.tags.family, set()).update(model.tags.names)
    vocabulary = read_vocabularies((), families)["subgenres"]
    projection = project(vocabulary, asked)
    places = [_places(model, columns) for model in asked]
    for genre, row in zip(content["labels"], content["scores"], strict=True):
        if str(genre) in plausible:
            taggrams = [
                _taggram(model, row[place]) for model, place in zip(asked, places, strict=True)
            ]
            yield _answer(str(genre), projection, taggrams)


def _places(model: Manifest, columns: dict[str, int]) -> list[int]:
    name = model.name if f"{model.name}:{model.tags.names[0]}" in columns else NAMES[model.name]
    return [columns[f"{name}:{tag}"] for tag in model.tags.names]


def _taggram(model: Manifest, means: np.ndarray) -> Taggram:
    """A track of one window."""
    key = TaggramKey("", model.ref, Precision.FLOAT32)
    scores = means[np.newaxis].astype(np.float32)
    return Taggram(key, EXCERPT_S, EXCERPT_S, EXCERPT_S, scores, NO_PEAKS)


def _answer(genre: str, projection: Projection, taggrams: list[Taggram]) -> Answer:
    suggestions = suggest(projection, taggrams, pooling=Pooling.MEAN, top_k=TOP_K, threshold=0.0)
    scored = projection.score(taggrams)
    raw = [taggram.scores[0] for taggram in taggrams]
    return Answer(
        genre,
        tuple(each.tag for each in suggestions),
        tuple(each.level == "genre" for each in suggestions),
        projection.confidence(taggrams) is Confidence.LOW,
        dict(zip((row.name for row in scored.rows), scored.scores[0].tolist(), strict=True)),
        {
            row.name: max(float(raw[model][list(of)].max()) for model, of in row.columns.items())
            for row in projection.rows
        },
    )
