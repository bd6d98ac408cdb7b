"""From raw scores to a vocabulary's scores: comparable, averaged over models, weighed by genres."""

import itertools
from collections.abc import Mapping, Sequence
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from app.domain import Level, Scores
from app.store.manifest.manifest import Manifest
from app.tagging.projection import (
    PARENT_EXPONENT,
    STAND_IN_MARGIN,
    USUAL_BASE_RATE,
    Projection,
    VocabularyScores,
    project,
)
from app.tagging.vocabulary import Tag, Vocabulary, make_raw_vocabulary
from tests.tagging.samples import model, taggram, taggram_of

DEFAULT = ("msd-musicnn", "mtt-musicnn")
BUILT_IN = ("genres", "subgenres", "moodthemes", "alltags")

UNIT = st.floats(0, 1, width=32, allow_subnormal=False) | st.sampled_from([0.0, 0.04, 1.0])
BOTH = st.integers(1, 3).flatmap(
    lambda windows: arrays(np.float32, (2, windows, 50), elements=UNIT)
)

ROCK = Vocabulary(
    "styles",
    "1",
    "",
    {
        "punk": Tag({"a": ("punk",)}, parents=("rock",)),
        "metal": Tag({"a": ("metal", "heavy metal"), "b": ("metal",)}, parents=("rock",)),
        "ambient": Tag({"a": ("ambient",)}, parents=("electronic",)),
    },
    genres={"rock": Tag({"a": ("rock",)}), "electronic": Tag()},
)
A = model("a", ("punk", "metal", "heavy metal", "ambient", "rock"), rates=[0.1] * 5)
B = model("b", ("metal",), rates=[0.3])


@pytest.fixture(scope="module")
def default(
    published: Mapping[str, Manifest], vocabularies: Mapping[str, Vocabulary]
) -> dict[str, Projection]:
    """The built-in vocabularies on the default models."""
    models = [published[name] for name in DEFAULT]
    return {name: project(vocabularies[name], models) for name in BUILT_IN}


def score(projection: Projection, raw: Sequence[Scores] | Scores) -> VocabularyScores:
    taggrams = [taggram(*of) for of in zip(projection.models, raw, strict=True)]
    return projection.score(taggrams)


def by_name(scored: VocabularyScores) -> dict[str, np.ndarray]:
    return {row.name: scored.scores[:, index] for index, row in enumerate(scored.rows)}


def means(scored: VocabularyScores) -> dict[str, float]:
    return {name: float(scores.mean()) for name, scores in by_name(scored).items()}


def comparable(projection: Projection, raw: Scores) -> dict[str, np.ndarray]:
    """Of all tags and genres the lifts in each window, before the parent genres count."""
    lifts = [
        scores / (scores + np.array(each.base_rates.rates))
        for each, scores in zip(projection.models, raw.astype(np.float64), strict=True)
    ]
    found = {}
    for name, (_, tag) in projection.vocabulary.entries.items():
        highest = [
            lift[:, [each.tags.names.index(raw_tag) for raw_tag in tag.raw_tags_of(each)]].max(
                axis=1
            )
            for each, lift in zip(projection.models, lifts, strict=True)
            if tag.raw_tags_of(each)
        ]
        if highest:
            found[name] = np.mean(highest, axis=0)
    return found


@pytest.mark.parametrize("vocabulary", BUILT_IN)
@given(raw=BOTH)
def test_a_score_is_the_mean_lift_over_models_weighed_by_the_best_parent(
    vocabulary: str, default: dict[str, Projection], raw: Scores
) -> None:
    projection = default[vocabulary]
    lifts = comparable(projection, raw)

    scores = by_name(score(projection, raw))

    for name, of_windows in scores.items():
        assert 0 <= of_windows.min() <= of_windows.max() <= 1
        parents = [each for each in projection.vocabulary.entries[name][1].parents if each in lifts]
        factor = max(lifts[each].mean() for each in parents or [name]) ** PARENT_EXPONENT
        assert of_windows == pytest.approx(lifts[name] * factor, abs=1e-5)


@given(raw=BOTH)
def test_all_known_tags_are_scored_and_a_genre_only_if_it_is_far_above_its_subgenres(
    default: dict[str, Projection], raw: Scores
) -> None:
    projection = default["subgenres"]
    vocabulary, lifts = projection.vocabulary, comparable(projection, raw)

    scored = score(projection, raw)

    shown = {row.name for row in scored.rows if row.level is Level.GENRE}
    assert {row.name for row in scored.rows} - shown == vocabulary.tags.keys() & lifts.keys()
    for genre in vocabulary.genres.keys() & lifts.keys():
        own = [each for each in lifts if genre in vocabulary.entries[each][1].parents]
        bound = STAND_IN_MARGIN * max((lifts[each].mean() for each in own), default=-1)
        mean = lifts[genre].mean()
        assert genre in shown or mean <= bound + 1e-6
        assert genre not in shown or mean >= bound - 1e-6


@given(raw=BOTH, cell=st.tuples(st.integers(0, 1), st.integers(0, 49)), higher=UNIT)
def test_no_tag_falls_when_a_raw_score_rises(
    default: dict[str, Projection], raw: Scores, cell: tuple[int, int], higher: float
) -> None:
    of, tag = cell
    raised = raw.copy()
    raised[of, 0, tag] = max(raised[of, 0, tag], higher)

    before, after = (by_name(score(default["subgenres"], scores)) for scores in (raw, raised))

    for name in before.keys() & after.keys():
        assert (after[name] >= before[name] - 1e-6).all()


@given(raw=BOTH, random=st.randoms(use_true_random=False))
def test_each_window_is_scored_alike(
    default: dict[str, Projection], raw: Scores, random: Random
) -> None:
    order = list(range(raw.shape[1]))
    random.shuffle(order)

    plain, moved = (by_name(score(default["genres"], of)) for of in (raw, raw[:, order]))

    assert plain.keys() == moved.keys()
    for name in plain:
        assert moved[name] == pytest.approx(plain[name][order], abs=1e-6)


def test_without_recognised_tags_all_scores_are_0_and_no_genre_hides_its_subgenres(
    default: dict[str, Projection],
) -> None:
    scored = score(default["subgenres"], np.zeros((2, 1, 50)))

    assert not scored.scores.any()
    assert "rock" not in means(scored)


@pytest.mark.parametrize(
    ("msd", "mtt", "first"),
    [
        ({"Hip-Hop": 0.9}, {"techno": 0.3}, ("hiphop", "genre")),  # no model knows a subgenre
        ({"rock": 0.9, "metal": 0.5, "heavy metal": 0.4}, {"metal": 0.3}, ("metal", "tag")),
        ({"rock": 0.5, "pop": 0.3}, {"classical": 0.9, "violin": 0.7}, ("classical", "genre")),
        ({"electronic": 0.6, "ambient": 0.4}, {"ambient": 0.5}, ("ambient", "tag")),
    ],
)
def test_the_first_suggestion_is_the_tag_of_highest_confidence(
    msd: dict[str, float],
    mtt: dict[str, float],
    first: tuple[str, str],
    default: dict[str, Projection],
) -> None:
    projection = default["subgenres"]
    taggrams = [taggram_of(projection.models[0], **msd), taggram_of(projection.models[1], **mtt)]

    scored = projection.score(taggrams)

    best = scored.rows[int(scored.scores.mean(axis=0).argmax())]
    assert (best.name, best.level) == first


def test_a_genre_stands_in_only_above_the_margin_and_not_for_another_genre_s_subgenres() -> None:
    projection = project(ROCK, [A])

    def is_shown(rock: float, **others: float) -> bool:
        lifts = {"rock": rock, **others}
        raw = {tag: 0.1 * lift / (1 - lift) for tag, lift in lifts.items()}
        return "rock" in {row.name for row in projection.score([taggram_of(A, **raw)]).rows}

    assert is_shown(STAND_IN_MARGIN * 0.201, punk=0.2, metal=0.1)
    assert not is_shown(STAND_IN_MARGIN * 0.199, punk=0.2, metal=0.1)
    assert is_shown(STAND_IN_MARGIN * 0.201, punk=0.2, ambient=0.9)


def test_several_models_are_averaged_and_of_one_model_the_highest_raw_tag_counts() -> None:
    taggrams = [taggram_of(A, **{"heavy metal": 0.3, "metal": 0.1, "rock": 1.0}), taggram_of(B)]

    alone, both = (project(ROCK, models).score(taggrams[: len(models)]) for models in ([A], [A, B]))

    factor = (1 / 1.1) ** PARENT_EXPONENT
    assert means(alone)["metal"] == pytest.approx(0.75 * factor)
    assert means(both)["metal"] == pytest.approx(0.75 / 2 * factor)


def test_a_tag_whose_genres_no_model_knows_counts_as_a_genre_itself() -> None:
    scores = means(project(ROCK, [A]).score([taggram_of(A, ambient=0.1)]))

    assert scores["ambient"] == pytest.approx(0.5 * 0.5**PARENT_EXPONENT)
    assert "electronic" not in scores


def test_a_model_without_base_rates_compares_with_one_that_has_them() -> None:
    silent = model("b", ("metal",))
    known, unknown = taggram_of(A, rock=0.9), taggram_of(silent, metal=USUAL_BASE_RATE)

    scores = means(project(ROCK, [A, silent]).score([known, unknown]))

    assert scores["metal"] == pytest.approx(0.5 / 2 * 0.9**PARENT_EXPONENT)


@given(scores=arrays(np.float32, (3, 50), elements=UNIT))
def test_raw_scores_are_unchanged(published: Mapping[str, Manifest], scores: Scores) -> None:
    of = published["mtt-vgg"]
    projection = project(make_raw_vocabulary(of), [of])

    scored = projection.score([taggram(of, scores)])

    assert tuple(row.name for row in scored.rows) == projection.tags == of.tags.names
    np.testing.assert_array_equal(scored.scores, scores)


def test_a_vocabulary_can_be_given_raw_scores_without_genres() -> None:
    raw = project(ROCK, [A], raw=True).score([taggram_of(A, metal=0.3, rock=0.9)])

    assert means(raw) == pytest.approx({"punk": 0, "metal": 0.3, "ambient": 0})


WINDOWS = Vocabulary(
    "two", "1", "", {"calm": Tag({"long": ("x",)}), "loud": Tag({"short": ("y",)})}
)
LONG, SHORT = model("long", ("x",)), model("short", ("y",))


def test_models_of_different_windows_answer_together_in_the_finer_ones() -> None:
    long, short = np.array([[0.1], [0.5], [0.9]]), np.linspace(0, 1, 20)[:, np.newaxis]
    taggrams = [
        taggram(LONG, long, window_s=30.0, hop_s=14.0),  # around 15, 29 and 43 s
        taggram(SHORT, short),
    ]

    scored = project(WINDOWS, [LONG, SHORT], raw=True).score(taggrams)

    assert scored.grid is taggrams[1]
    calm, loud = scored.scores.T
    np.testing.assert_allclose(loud, short[:, 0], rtol=1e-6)
    np.testing.assert_allclose(calm, [0.1] * 7 + [0.5] * 5 + [0.9] * 8, rtol=1e-6)


def test_a_window_that_ends_with_the_track_answers_for_its_own_time() -> None:
    taggrams = [
        taggram(LONG, [[0.1], [0.9]], window_s=30.0, hop_s=30.0, last_s=4.0),  # around 15, 19
        taggram(SHORT, np.zeros((11, 1))),  # around 1.5, 4.5, ..., 13.5, 16.5, ...
    ]

    scored = project(WINDOWS, [LONG, SHORT], raw=True).score(taggrams)

    np.testing.assert_allclose(scored.scores[:, 0], [0.1] * 6 + [0.9] * 5, rtol=1e-6)


@given(
    windows=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    seconds=st.tuples(st.floats(0.5, 30), st.floats(0.5, 30)),
    overlap=st.floats(0.1, 1),
)
def test_every_moment_has_a_score_of_a_model_for_any_windows(
    windows: tuple[int, int], seconds: tuple[float, float], overlap: float
) -> None:
    random = np.random.RandomState(sum(windows))
    taggrams = [
        taggram(each, random.rand(count, 1), window_s=window_s, hop_s=overlap * window_s)
        for each, window_s, count in zip((LONG, SHORT), seconds, windows, strict=True)
    ]

    scored = project(WINDOWS, [LONG, SHORT], raw=True).score(taggrams)

    assert scored.grid.hop_s == min(each.hop_s for each in taggrams)
    assert scored.scores.shape == (len(scored.grid.scores), 2)
    for scores, each in zip(scored.scores.T, taggrams, strict=True):
        assert np.isin(scores, each.scores).all()


def test_circular_parents_are_handled() -> None:
    turns = Vocabulary(
        "turns",
        "1",
        "",
        {
            name: Tag({"a": (name,)}, parents=(parent,))
            for name, parent in itertools.pairwise(("punk", "metal", "punk"))
        },
    )

    scored = project(turns, [A]).score([taggram_of(A, punk=0.1, metal=0.1)])

    assert means(scored) == pytest.approx(dict.fromkeys(("punk", "metal"), 0.5**1.5))


@pytest.mark.parametrize("name", BUILT_IN)
@given(raw=BOTH)
def test_many_tracks_are_scored_as_each_by_itself(
    default: Mapping[str, Projection], name: str, raw: Scores
) -> None:
    projection = default[name]

    tracks = projection.score_tracks(list(raw))

    for number, of_track in enumerate(tracks):
        single = score(projection, raw[:, number : number + 1])
        shown = [projection.rows.index(row) for row in single.rows]
        np.testing.assert_allclose(of_track[shown], single.scores[0], rtol=1e-5, atol=1e-7)
        assert np.isneginf(np.delete(of_track, shown)).all()
