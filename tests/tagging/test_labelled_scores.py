"""Suggestions for raw scores of labelled excerpts, without audio."""

from collections.abc import Mapping

import pytest

from app.settings import Settings
from app.store.manifest.manifest import Manifest
from app.tagging.pooling import Pooling
from app.tagging.projection import project
from app.tagging.suggest import suggest
from app.tagging.vocabulary import Vocabulary
from testing.labelled import read_plausible, read_scores
from tests.conftest import SHARED

SCORES = SHARED / "scores" / "ten_genres_3s.npz"

PLAUSIBLE = 250
"""Of 409; measured: 260."""


def test_the_first_suggestion_fits_the_genre_and_music_rarely_has_low_confidence(
    published: Mapping[str, Manifest], vocabularies: Mapping[str, Vocabulary]
) -> None:
    if not SCORES.exists():
        pytest.skip(f"the scores of labelled excerpts are not at {SCORES}")
    fitting = read_plausible()
    models = [published[name] for name in Settings.model_fields["models"].default]
    projection = project(vocabularies["subgenres"], models)

    plausible, doubted, stands_in, count = 0, 0, 0, 0
    for genre, taggrams in read_scores(SCORES, projection.models):
        [first] = suggest(projection, taggrams, pooling=Pooling.MEAN, top_k=1, threshold=0)
        count += 1
        plausible += first.tag in fitting[genre]
        stands_in += first.level == "genre"
        doubted += projection.confidence(taggrams) == "low"

    assert plausible >= PLAUSIBLE
    assert stands_in <= count / 3
    assert doubted <= 0.05 * count
