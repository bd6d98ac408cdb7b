"""Labelled music: the tags that fit each genre, and raw scores of labelled excerpts."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import yaml

from app.domain import PEAK_PAIRS, Precision, Taggram, TaggramKey
from app.store.manifest.manifest import Manifest

Plausible = Mapping[str, frozenset[str]]

PLAUSIBLE = Path(__file__).parent / "plausible.yaml"

EXCERPT_S = 3.0
NAMES = {"jamendo-fcn": "jam-fcn", "jamendo-musicnn": "jam-musicnn"}
"""Older names of models, as scores may have them."""
YAMNET = "yamnet_columns"
"""The classes of YAMNet, whose scores are in an array of their own."""


def read_plausible(path: Path = PLAUSIBLE) -> Plausible:
    """Read the tags that fit each genre."""
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {genre: frozenset(tags) for genre, tags in content.items()}


def read_scores(path: Path, models: Sequence[Manifest]) -> Iterator[tuple[str, list[Taggram]]]:
    """Yield the genre of each excerpt and the taggrams of these models, of one window each."""
    content = np.load(path)
    names = [*map(str, content["columns"]), *(f"yamnet:{each}" for each in content[YAMNET])]
    columns = {name: index for index, name in enumerate(names)}
    scores = np.concatenate([content["scores"], content["yamnet_scores"]], axis=1)
    places = [_places(model, columns) for model in models]
    for genre, row in zip(content["labels"], scores, strict=True):
        taggrams = [
            _taggram(model, row[place]) for model, place in zip(models, places, strict=True)
        ]
        yield str(genre), taggrams


def _places(model: Manifest, columns: Mapping[str, int]) -> list[int]:
    name = model.name if f"{model.name}:{model.tags.names[0]}" in columns else NAMES[model.name]
    return [columns[f"{name}:{tag}"] for tag in model.tags.names]


def _taggram(model: Manifest, means: np.ndarray) -> Taggram:
    key = TaggramKey("0" * 64, model.ref, Precision.FLOAT32)
    scores = means[np.newaxis].astype(np.float32)
    no_peaks = np.zeros((PEAK_PAIRS, 2), np.int8)
    return Taggram(key, EXCERPT_S, EXCERPT_S, EXCERPT_S, scores, no_peaks)
