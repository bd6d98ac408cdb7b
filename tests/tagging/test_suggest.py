"""The suggested tags, their order, and their moments in the track."""

import itertools
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from app.domain import Level, Scores, Stretch, Suggestion, Taggram
from app.tagging.pooling import Pooling
from app.tagging.projection import Projection, project
from app.tagging.suggest import ALMOST_1, SHARE_OF_PEAK, find_stretches, suggest
from app.tagging.timeline import select_timeline
from app.tagging.vocabulary import Tag, Vocabulary, make_raw_vocabulary
from tests.tagging.samples import WINDOW_S, model, taggram

NAMES = ("rock", "pop", "alternative", "indie", *(f"tag {number}" for number in range(5, 31)))

SCORE = st.floats(0, 1, width=32, allow_subnormal=False) | st.sampled_from([0.0, 0.25, 0.5, 1.0])


RAW = {
    count: project(make_raw_vocabulary(own), [own])
    for count in range(1, 31)
    for own in [model("own", NAMES[:count])]
}
"""Of models with 1 to 30 tags."""

STYLES = Vocabulary(
    "styles",
    "1",
    "",
    {
        name: Tag({"own": (name,)}, parents=("big",), labels={"en": name.title(), "fr": "?"})
        for name in NAMES[:5]
    },
    genres={"big": Tag({"own": NAMES[5:8]}, labels={"en": "Big one"})},
)


def taggram_of(scores: Sequence[Sequence[float]] | Scores, hop_s: float = WINDOW_S) -> Taggram:
    return taggram(model("own", NAMES), scores, hop_s=hop_s)


def suggested(
    projection: Projection,
    taggram: Taggram,
    *,
    pooling: Pooling = Pooling.MEAN,
    top_k: int = 5,
    threshold: float = 0.0,
) -> tuple[Suggestion, ...]:
    return suggest(projection, [taggram], pooling=pooling, top_k=top_k, threshold=threshold)


def test_the_highest_tags_come_first_and_at_most_top_k() -> None:
    projection, taggram = RAW[4], taggram_of([[0.1, 0.4, 0.2, 0.3], [0.1, 0.6, 0.2, 0.3]])

    suggestions = suggested(projection, taggram, top_k=3)

    assert [suggestion.tag for suggestion in suggestions] == ["pop", "indie", "alternative"]
    assert [suggestion.score for suggestion in suggestions] == pytest.approx([0.5, 0.3, 0.2])


def test_fewer_tags_than_top_k_are_all_suggested() -> None:
    assert len(suggested(RAW[2], taggram_of([[0.1, 0.2]]), top_k=20)) == 2


def test_equal_scores_keep_the_order_of_the_vocabulary() -> None:
    suggestions = suggested(RAW[30], taggram_of([[0.5] * 30]), top_k=20)

    assert [suggestion.tag for suggestion in suggestions] == list(RAW[30].tags[:20])


def test_a_tag_below_the_threshold_is_not_suggested_and_one_at_it_is() -> None:
    suggestions = suggested(RAW[3], taggram_of([[0.25, 0.5, 0.24]]), threshold=0.25)

    assert [suggestion.tag for suggestion in suggestions] == ["pop", "rock"]


def test_nothing_is_suggested_if_nothing_reaches_the_threshold() -> None:
    assert suggested(RAW[3], taggram_of([[0.2, 0.3, 0.4]]), threshold=0.9) == ()


def test_the_requested_pooling_decides_the_order() -> None:
    often = [0.2, 0.2, 0.2, 0.2]
    once = [0.9, 0.0, 0.0, 0.0]
    others = [[0.15] * 4] * 4  # of six tags, so that majority leaves one out of a window
    taggram = taggram_of(np.array([once, often, *others]).T)

    def best(pooling: Pooling) -> str:
        return suggested(RAW[6], taggram, pooling=pooling)[0].tag

    assert best(Pooling.MEAN) == "rock"
    assert best(Pooling.MAJORITY) == "pop"


@pytest.mark.parametrize("pooling", Pooling)
@given(scores=arrays(np.float32, array_shapes(min_dims=2, max_dims=2, max_side=30), elements=SCORE))
def test_suggestions_are_the_first_rows_of_the_taggram_with_its_scores(
    pooling: Pooling, scores: Scores
) -> None:
    own = model("own", NAMES[: scores.shape[1]], rates=[0.2] * scores.shape[1])
    for projection in (RAW[scores.shape[1]], project(STYLES, [own])):
        track = taggram_of(scores)

        suggestions = suggested(projection, track, pooling=pooling, top_k=20)
        whole = select_timeline(
            projection.score([track]), pooling=pooling, top=20, start_s=0, end_s=None
        )

        assert [(each.tag, each.level, each.score) for each in suggestions] == [
            (row.name, row.level, score)
            for row, score in zip(whole.rows, whole.pooled_scores.tolist(), strict=True)
        ]
        falling = [each.score for each in suggestions]
        assert falling == sorted(falling, reverse=True)
        means = whole.scores.mean(axis=0, dtype=np.float64)
        assert whole.mean_scores.tolist() == pytest.approx(means.tolist(), abs=1e-6)
        if pooling is Pooling.MEAN:
            assert falling == pytest.approx(means.tolist(), abs=1e-6)


def test_a_suggestion_has_its_label_and_level() -> None:
    projection = project(STYLES, [model("own", NAMES[:8])])

    suggestions = suggested(projection, taggram_of([[0.005, 0.01, 0, 0, 0, 0.9, 0, 0]]), top_k=2)

    assert [(each.tag, each.label, each.level) for each in suggestions] == [
        ("big", "Big one", Level.GENRE),
        ("pop", "Pop", Level.TAG),
    ]


def test_a_suggestion_lists_the_stretches_with_half_of_the_best_odds_best_first() -> None:
    taggram = taggram_of([[0.5], [0.6], [0.1], [0.7], [0.62], [0.39]])

    stretches = find_stretches(taggram.scores[:, 0], taggram)

    assert stretches == (
        Stretch(9.0, 15.0, pytest.approx(0.66)),
        Stretch(3.0, 6.0, pytest.approx(0.6)),
    )


def test_a_stretch_ends_no_later_than_the_track() -> None:
    taggram = taggram_of([[0.1], [0.9]])

    assert taggram.duration_s == 5.5
    assert find_stretches(taggram.scores[:, 0], taggram)[0] == Stretch(3.0, 5.5, pytest.approx(0.9))


def test_overlapping_windows_form_one_stretch_to_the_end_of_the_last() -> None:
    taggram = taggram_of([[0.9], [0.9], [0.1], [0.1]], hop_s=1.0)

    assert find_stretches(taggram.scores[:, 0], taggram)[0] == Stretch(0.0, 4.0, pytest.approx(0.9))


def test_a_window_that_ends_with_the_track_is_a_moment_at_its_own_time() -> None:
    grid = taggram(model("own", NAMES), [[0.1], [0.1], [0.9]], last_s=4.0)

    [moment] = find_stretches(grid.scores[:, 0], grid)

    assert (moment.start_s, moment.end_s) == (4.0, grid.duration_s)


@given(
    scores=arrays(np.float32, st.integers(1, 40), elements=SCORE),
    hop_s=st.sampled_from([WINDOW_S, 1.5, 1.0]),
)
def test_the_stretches_are_the_three_best_runs_of_windows_with_half_of_the_best_odds(
    scores: np.ndarray, hop_s: float
) -> None:
    taggram = taggram_of(scores[:, np.newaxis], hop_s)
    limited = np.minimum(scores, ALMOST_1)
    odds = limited / (1 - limited)
    groups = itertools.groupby(
        range(len(scores)), key=lambda window: bool(odds[window] >= SHARE_OF_PEAK * odds.max())
    )
    runs = [list(windows) for holds, windows in groups if holds]
    ends = {run[0] * hop_s: min(run[-1] * hop_s + WINDOW_S, taggram.duration_s) for run in runs}
    means = {run[0] * hop_s: scores[run].mean(dtype=np.float64) for run in runs}

    stretches = find_stretches(scores, taggram)

    assert {stretch.start_s: stretch.end_s for stretch in stretches}.items() <= ends.items()
    assert [stretch.score for stretch in stretches] == pytest.approx(
        [means[stretch.start_s] for stretch in stretches], abs=1e-6
    )
    assert [stretch.score for stretch in stretches] == pytest.approx(
        sorted(means.values(), reverse=True)[:3], abs=1e-6
    )
