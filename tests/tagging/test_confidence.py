"""When a track is doubted: near typical scores of what is not music, and nearer than to music."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.store.manifest import Confidence
from app.tagging.confidence import judge, margin
from tests.tagging.made import model, taggram_of

TYPICAL = Confidence(
    radius=0.4, not_music=((0.0, 0.0, 0.0), (0.5, 0.0, 0.0)), music=((0.5, 0.5, 0.0),)
)
SURE = model("sure", ("noise", "rock", "jazz"), confidence=TYPICAL)
UNSURE = model("unsure", ("noise", "rock", "jazz"))

SCORES = st.lists(st.floats(0, 1, width=32), min_size=3, max_size=3)


@pytest.mark.parametrize(
    ("scores", "confidence"),
    [
        ({}, "low"),
        ({"noise": 0.5}, "low"),
        ({"noise": 0.45, "rock": 0.05}, "low"),
        ({"noise": 0.5, "rock": 0.5}, "high"),
        ({"noise": 0.5, "rock": 0.3}, "high"),  # nearer to music
        ({"jazz": 0.9}, "high"),  # near to neither: music of another kind
    ],
)
def test_a_track_is_doubted_where_its_scores_are_like_those_of_what_is_not_music(
    scores: dict[str, float], confidence: str
) -> None:
    assert judge([SURE], [taggram_of(SURE, **scores)]) == confidence


def test_several_models_judge_by_their_mean() -> None:
    doubting, mild, certain = (
        taggram_of(SURE, **scores)
        for scores in ({}, {"noise": 0.5, "rock": 0.3}, {"noise": 0.5, "rock": 0.5})
    )

    assert judge([SURE, SURE], [doubting, mild]) == "low"
    assert judge([SURE, SURE], [doubting, certain]) == "high"


def test_a_model_without_typical_scores_leaves_the_judgement_to_the_others() -> None:
    taggrams = [taggram_of(SURE), taggram_of(UNSURE, jazz=0.9)]

    assert judge([SURE, UNSURE], taggrams) == judge([SURE], taggrams[:1]) == "low"


def test_it_is_unknown_where_no_model_has_typical_scores() -> None:
    assert judge([UNSURE], [taggram_of(UNSURE, jazz=0.9)]) == "unknown"


@given(SCORES)
def test_any_scores_have_a_finite_margin(scores: list[float]) -> None:
    assert np.isfinite(margin(TYPICAL, np.array(scores, np.float32)))
