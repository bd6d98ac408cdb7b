"""From what models hear to a vocabulary's tags: which models are asked, and what their tags say."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from app.domain import Precision, Taggram, TaggramKey
from app.errors import Kind, RequestError
from app.store.manifest import Manifest, Tags, read_store
from app.store.store import Store
from app.tagging.lexicon import Lexicon
from app.tagging.vocabulary import Vocabulary
from app.tagging.vocabulary_file import read_vocabularies
from tests.peaks import SILENT

BUILT_IN = ("genres", "subgenres", "moodthemes", "alltags")


@pytest.fixture(scope="module")
def published(store: Path) -> dict[str, Manifest]:
    return read_store(Store(store))


@pytest.fixture(scope="module")
def vocabularies(published: Mapping[str, Manifest]) -> dict[str, Vocabulary]:
    families = {model.tags.family: model.tags.names for model in published.values()}
    return read_vocabularies((), families)


@pytest.fixture(scope="module")
def lexicon(published: Mapping[str, Manifest], vocabularies: Mapping[str, Vocabulary]) -> Lexicon:
    """All four models, MusiCNN trained on the Million Song Dataset first."""
    names = ("msd-musicnn", "msd-vgg", "mtt-vgg", "mtt-musicnn")
    return Lexicon([published[name] for name in names], vocabularies)


def names(models: Sequence[Manifest]) -> list[str]:
    return [model.name for model in models]


def heard(model: Manifest, scores: np.ndarray) -> Taggram:
    return Taggram(
        TaggramKey("0" * 64, model.ref, Precision.FLOAT32), 6.0, 3.0, 3.0, scores, SILENT
    )


def heard_only(model: Manifest, **by_tag: float) -> Taggram:
    """Two windows in which the named raw tags score so much, and all others nothing."""
    scores = np.zeros((2, len(model.tags.names)), np.float32)
    for tag, score in by_tag.items():
        scores[:, model.tags.names.index(tag)] = score
    return heard(model, scores)


@pytest.mark.parametrize("vocabulary", BUILT_IN)
def test_a_vocabulary_asks_the_first_loaded_model_of_each_family(
    vocabulary: str, lexicon: Lexicon
) -> None:
    assert names(lexicon.projection(vocabulary, None).models) == ["msd-musicnn", "mtt-vgg"]


def test_a_family_that_is_not_loaded_is_not_asked(
    published: Mapping[str, Manifest], vocabularies: Mapping[str, Vocabulary]
) -> None:
    alone = Lexicon([published["msd-musicnn"]], vocabularies).projection("subgenres", None)

    assert names(alone.models) == ["msd-musicnn"]
    assert "ambient" in alone.tags
    assert "techno" not in alone.tags  # only MagnaTagATune has that word


def test_a_vocabulary_asks_no_model_whose_raw_tags_it_never_names(
    published: Mapping[str, Manifest],
) -> None:
    own = Vocabulary("own", "1", "", {"calm": {"mtt": ("ambient",)}, "later": {}})
    lexicon = Lexicon([published["msd-musicnn"], published["mtt-musicnn"]], {"own": own})

    assert names(lexicon.projection("own", None).models) == ["mtt-musicnn"]


def test_naming_a_model_asks_that_one_alone(lexicon: Lexicon) -> None:
    projection = lexicon.projection("genres", "mtt-musicnn")

    assert names(projection.models) == ["mtt-musicnn"]
    assert "techno" not in projection.tags
    assert "classical" in projection.tags
    assert "jazz" not in projection.tags  # MagnaTagATune's 50 tags lack it


def test_raw_is_what_the_default_model_was_trained_on(
    lexicon: Lexicon, published: Mapping[str, Manifest]
) -> None:
    projection = lexicon.projection("raw", None)

    assert names(projection.models) == ["msd-musicnn"]
    assert projection.tags == published["msd-musicnn"].tags.names


@given(scores=arrays(np.float32, (3, 50), elements=st.floats(0, 1, width=32)))
def test_raw_scores_are_the_model_s_own(lexicon: Lexicon, scores: np.ndarray) -> None:
    projection = lexicon.projection("raw", "mtt-vgg")

    assert names(projection.models) == ["mtt-vgg"]
    np.testing.assert_array_equal(projection.apply([heard(projection.models[0], scores)]), scores)


@pytest.mark.parametrize("vocabulary", BUILT_IN)
def test_a_tag_without_raw_tags_is_never_suggested(vocabulary: str, lexicon: Lexicon) -> None:
    tags = lexicon.vocabularies[vocabulary].tags
    silent = {tag for tag, sources in tags.items() if not sources}

    assert silent
    assert set(lexicon.projection(vocabulary, None).tags) == set(tags) - silent


@pytest.mark.parametrize("vocabulary", BUILT_IN)
@given(scores=arrays(np.float32, (2, 2, 50), elements=st.floats(0, 1, width=32)))
def test_a_tag_scores_as_its_strongest_raw_tag_in_each_window(
    vocabulary: str, lexicon: Lexicon, scores: np.ndarray
) -> None:
    projection = lexicon.projection(vocabulary, None)
    taggrams = [heard(model, own) for model, own in zip(projection.models, scores, strict=True)]

    projected = projection.apply(taggrams)

    assert projected.shape == (2, len(projection.tags))
    for tag, column in zip(projection.tags, projected.T, strict=True):
        sources = projection.vocabulary.tags[tag]
        for window, score in enumerate(column):
            assert score == max(
                own[window, model.tags.names.index(raw)]
                for model, own in zip(projection.models, scores, strict=True)
                for raw in sources.get(model.tags.family, ())
            )


def test_hip_hop_is_heard_as_the_listeners_wrote_it(lexicon: Lexicon) -> None:
    projection = lexicon.projection("genres", "msd-musicnn")
    taggram = heard_only(projection.models[0], **{"Hip-Hop": 0.7})

    best = projection.apply([taggram])[0].argmax()

    assert projection.tags[best] == "hiphop"


ENOUGH = {"catchy": 1.0, "sexy": 1.0}  # no subgenre hears these
PLENTY = {"harpsichord": 1.0, "choir": 1.0, "flute": 1.0}


@pytest.mark.parametrize(
    ("msd", "mtt", "confidence"),
    [
        (ENOUGH | {"ambient": 0.2}, PLENTY, "high"),
        (ENOUGH, PLENTY | {"techno": 0.2}, "high"),
        (ENOUGH | {"ambient": 0.05}, PLENTY | {"techno": 0.05}, "low"),
        (ENOUGH, PLENTY, "low"),
        ({"ambient": 0.9}, PLENTY, "low"),  # msd recognises too little on the whole
        (ENOUGH | {"ambient": 0.9}, {"techno": 0.9}, "low"),  # and so does mtt
    ],
)
def test_an_answer_is_confident_where_all_models_recognise_enough_and_one_a_tag_of_the_vocabulary(
    msd: dict[str, float], mtt: dict[str, float], confidence: str, lexicon: Lexicon
) -> None:
    projection = lexicon.projection("subgenres", None)
    first, second = projection.models

    taggrams = [heard_only(first, **msd), heard_only(second, **mtt)]
    assert projection.confidence(taggrams) == confidence


@pytest.mark.parametrize(
    ("mtt", "confidence"), [({"harpsichord": 1.0}, "low"), (PLENTY | {"techno": 0.9}, "unknown")]
)
def test_where_no_floor_was_measured_for_a_model_an_answer_that_another_does_not_doubt_is_unknown(
    mtt: dict[str, float],
    confidence: str,
    published: Mapping[str, Manifest],
    vocabularies: Mapping[str, Vocabulary],
) -> None:
    unmeasured = published["msd-musicnn"].model_copy(update={"confidence": None})
    projection = Lexicon([unmeasured, published["mtt-musicnn"]], vocabularies).projection(
        "subgenres", None
    )
    first, second = projection.models

    taggrams = [heard_only(first, ambient=0.9), heard_only(second, **mtt)]
    assert projection.confidence(taggrams) == confidence


def test_an_unknown_model_is_refused_with_those_that_are_loaded(
    published: Mapping[str, Manifest], vocabularies: Mapping[str, Vocabulary]
) -> None:
    lexicon = Lexicon([published["msd-musicnn"], published["mtt-musicnn"]], vocabularies)

    with pytest.raises(RequestError, match="msd-musicnn, mtt-musicnn") as refusal:
        lexicon.projection("subgenres", "msd-vgg")

    assert refusal.value.kind is Kind.UNKNOWN_MODEL
    assert refusal.value.extra == {"models": ["msd-musicnn", "mtt-musicnn"]}


def test_an_unknown_vocabulary_is_refused_with_those_that_there_are(lexicon: Lexicon) -> None:
    with pytest.raises(RequestError) as refusal:
        lexicon.projection("subgenre", None)

    assert refusal.value.kind is Kind.UNKNOWN_VOCABULARY
    assert refusal.value.extra == {
        "vocabularies": ["alltags", "genres", "moodthemes", "subgenres", "raw"]
    }


@pytest.mark.parametrize("model", [None, "msd-musicnn"])
def test_a_vocabulary_that_the_models_cannot_hear_at_all_is_refused(
    model: str | None, published: Mapping[str, Manifest]
) -> None:
    deaf = Vocabulary("deaf", "1", "", {"calm": {"mtt": ("ambient",)}, "later": {}})
    lexicon = Lexicon([published["msd-musicnn"]], {"deaf": deaf})

    with pytest.raises(RequestError, match="deaf") as refusal:
        lexicon.projection("deaf", model)

    assert refusal.value.kind is Kind.UNKNOWN_VOCABULARY


def on_windows(model: Manifest, window_s: float, hop_s: float, scores: np.ndarray) -> Taggram:
    key = TaggramKey("0" * 64, model.ref, Precision.FLOAT32)
    return Taggram(key, 60.0, window_s, hop_s, scores, SILENT)


def test_models_that_hear_different_windows_answer_together_in_the_finer_ones(
    lexicon: Lexicon,
) -> None:
    projection = lexicon.projection("genres", None)
    long, short = (np.zeros((windows, 50), np.float32) for windows in (3, 20))
    first, second = projection.models
    rock, techno = first.tags.names.index("rock"), second.tags.names.index("techno")
    long[:, rock] = [0.1, 0.5, 0.9]  # around 15, 29 and 43 s
    short[:, techno] = np.linspace(0, 1, 20)

    taggrams = [on_windows(first, 30.0, 14.0, long), on_windows(second, 3.0, 3.0, short)]
    scores = projection.apply(taggrams)

    assert projection.grid(taggrams) is taggrams[1]
    assert scores.shape == (20, len(projection.tags))
    np.testing.assert_array_equal(scores[:, projection.tags.index("electronic")], short[:, techno])
    by_moment = scores[:, projection.tags.index("rock")]
    np.testing.assert_allclose(by_moment, [0.1] * 7 + [0.5] * 5 + [0.9] * 8, rtol=1e-6)


@given(
    windows=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    seconds=st.tuples(st.floats(0.5, 30), st.floats(0.5, 30)),
    overlap=st.floats(0.1, 1),
)
def test_whatever_two_models_windows_are_each_moment_has_a_score_that_was_heard(
    windows: tuple[int, int],
    seconds: tuple[float, float],
    overlap: float,
    lexicon: Lexicon,
) -> None:
    projection = lexicon.projection("genres", None)
    random = np.random.RandomState(sum(windows))
    heard_by = [
        on_windows(model, window_s, overlap * window_s, random.rand(count, 50).astype(np.float32))
        for model, window_s, count in zip(projection.models, seconds, windows, strict=True)
    ]

    scores = projection.apply(heard_by)

    grid = projection.grid(heard_by)
    assert len(scores) == len(grid.scores)
    assert grid.hop_s == min(taggram.hop_s for taggram in heard_by)
    assert np.isin(scores, np.concatenate([taggram.scores.ravel() for taggram in heard_by])).all()


def test_a_raw_tag_that_only_another_model_of_the_family_has_does_not_break_an_answer(
    published: Mapping[str, Manifest], vocabularies: Mapping[str, Vocabulary]
) -> None:
    smaller = published["msd-musicnn"].model_copy(
        update={"tags": Tags(family="msd", names=("rock", "pop"))}
    )

    projection = Lexicon([smaller], vocabularies).projection("genres", None)

    assert set(projection.tags) == {"rock", "pop"}
