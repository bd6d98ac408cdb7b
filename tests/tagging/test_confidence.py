"""Low confidence: close to non-music, and unlike music to the classifier."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.store.manifest.typical import Confidence, NotMusic
from app.tagging.confidence import compute_margin, judge
from tests.tagging.samples import model, taggram_of

TYPICAL = Confidence(
    weights=(0.0, 1.0, 0.0),
    bias=2.0,  # music has more than about .13 of the second tag
    not_music=(
        NotMusic(kind="noise", radius=0.4, typical=((0.0, 0.0, 0.0), (0.5, 0.0, 0.0))),
        NotMusic(kind="speech", radius=0.2, typical=((0.0, 0.0, 0.5),)),
    ),
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
        ({"noise": 0.5, "rock": 0.15}, "high"),  # near noise, and music to the classifier
        ({"jazz": 0.45}, "low"),
        ({"noise": 0.1, "jazz": 0.5}, "high"),  # no noise, and farther from speech than speech is
        ({"jazz": 0.98}, "high"),  # far from all: music of another kind
    ],
)
def test_confidence_is_low_for_a_track_close_to_non_music_and_unlike_music(
    scores: dict[str, float], confidence: str
) -> None:
    assert judge([SURE], [taggram_of(SURE, **scores)]) == confidence


def test_the_confidence_of_several_models_is_their_mean() -> None:
    doubting, mild, certain = (
        taggram_of(SURE, **scores)
        for scores in ({"noise": 0.1}, {"noise": 0.5, "rock": 0.15}, {"noise": 0.5, "rock": 0.9})
    )

    assert judge([SURE], [mild]) == judge([SURE], [certain]) == "high"
    assert judge([SURE, SURE], [doubting, mild]) == "low"
    assert judge([SURE, SURE], [doubting, certain]) == "high"


def test_a_model_without_confidence_data_is_left_out() -> None:
    taggrams = [taggram_of(SURE), taggram_of(UNSURE, jazz=0.9)]

    assert judge([SURE, UNSURE], taggrams) == judge([SURE], taggrams[:1]) == "low"


def test_confidence_is_unknown_if_no_model_has_data() -> None:
    assert judge([UNSURE], [taggram_of(UNSURE, jazz=0.9)]) == "unknown"


def test_a_model_stays_equal_to_itself_after_use() -> None:
    used, fresh = (
        model("sure", ("noise", "rock", "jazz"), confidence=TYPICAL.model_copy(deep=True))
        for _ in range(2)
    )
    judge([used, fresh], [taggram_of(used), taggram_of(fresh)])

    assert used == fresh


@given(SCORES)
def test_any_scores_have_a_finite_margin(scores: list[float]) -> None:
    assert np.isfinite(compute_margin(TYPICAL, np.array(scores, np.float32)))
