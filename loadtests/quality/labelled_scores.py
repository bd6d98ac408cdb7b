"""Suggestions computed from raw scores of labelled excerpts, without audio or service."""

from collections.abc import Iterator
from pathlib import Path

from app.domain import Confidence, Taggram
from app.settings import Settings
from app.store.manifest.manifest import read_store
from app.store.storage.store import Store
from app.tagging.pooling import Pooling
from app.tagging.projection import Projection, project
from app.tagging.suggest import suggest
from app.tagging.vocabulary_file import read_vocabularies
from loadtests.quality.metrics import Answer
from testing.labelled import Plausible, read_scores

TOP_K = 20


def answer_scores(path: Path, models: tuple[str, ...], plausible: Plausible) -> Iterator[Answer]:
    """Yield an answer for each excerpt; by default by the service's default models."""
    published = read_store(Store(Settings().model_store))
    manifests = [published[name] for name in models or Settings.model_fields["models"].default]
    families: dict[str, set[str]] = {}
    for model in manifests:
        families.setdefault(model.tags.family, set()).update(model.tags.names)
    projection = project(read_vocabularies((), families)["subgenres"], manifests)
    for genre, taggrams in read_scores(path, projection.models):
        if genre in plausible:
            yield _answer(genre, projection, taggrams)


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
