"""Whoever was trained on a vocabulary speaks for its words, and for them alone."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain import Level
from app.errors import RequestError, VocabularyError
from app.store.manifest.manifest import Manifest
from app.tagging.catalog import ModelCatalog
from app.tagging.model_vocabularies import add_model_vocabularies, with_model_tags
from app.tagging.vocabulary import Tag, Vocabulary
from tests.tagging.samples import model

WRITTEN = Vocabulary(
    "styles",
    "7",
    "Ours.",
    {
        "calm": Tag({"old": ("mellow",)}, parents=("quiet",), labels={"fr": "Calme"}),
        "loud": Tag({"old": ("metal", "punk")}),
        "odd": Tag(),
    },
    genres={"quiet": Tag({"old": ("mellow",)})},
)
OLD = model("old", ("mellow", "metal", "punk"))


def catalog(*models: Manifest, written: Sequence[Vocabulary] = (WRITTEN,)) -> ModelCatalog:
    known = {vocabulary.name: vocabulary for vocabulary in written}
    return ModelCatalog(models, add_model_vocabularies(known, models))


def scored_by(
    words: ModelCatalog, vocabulary: str = "styles", by: str | None = None
) -> dict[str, list]:
    """The models and raw tags that score each tag of a vocabulary."""
    projection = words.projection(vocabulary, by)
    return {
        row.name: [
            (projection.models[index].name, projection.models[index].tags.names[raw])
            for index, columns in row.columns.items()
            for raw in columns
        ]
        for row in projection.rows
        if row.level is Level.TAG
    }


BY_OLD = {"calm": [("old", "mellow")], "loud": [("old", "metal"), ("old", "punk")]}


def test_models_that_were_trained_on_no_vocabulary_change_nothing():
    assert scored_by(catalog(OLD)) == BY_OLD


@pytest.mark.parametrize("is_first", [True, False])
def test_a_model_trained_on_a_tag_scores_it_alone_and_others_keep_the_rest(is_first: bool):
    new = model("new", ("odd", "calm"), "styles")

    words = catalog(*((new, OLD) if is_first else (OLD, new)))

    assert scored_by(words) == {
        "calm": [("new", "calm")],
        "loud": [("old", "metal"), ("old", "punk")],
        "odd": [("new", "odd")],
    }


def test_a_model_trained_on_all_tags_is_used_alone():
    new = model("new", ("odd", "calm", "loud"), "styles")

    words = catalog(OLD, new)

    assert [each.name for each in words.projection("styles", None).models] == ["new"]
    assert words.models_for("styles") == (new,)


def test_of_several_models_trained_on_a_tag_the_first_scores_it():
    first = model("first", ("calm",), "styles")
    second = model("second", ("calm", "odd"), "styles")

    scored = scored_by(catalog(first, second))

    assert scored == {"calm": [("first", "calm")], "odd": [("second", "odd")]}


def test_a_named_model_scores_its_tags_even_if_another_was_trained_on_them():
    words = catalog(OLD, model("new", ("calm", "loud", "odd"), "styles"))

    assert scored_by(words, by="old") == BY_OLD
    assert scored_by(words, by="new")["calm"] == [("new", "calm")]


def test_a_tag_without_a_training_example_is_left_to_other_models():
    new = model("new", ("calm", "loud", "odd"), "styles", unheard=("calm", "odd"))

    assert scored_by(catalog(OLD, new)) == {"calm": BY_OLD["calm"], "loud": [("new", "loud")]}


def test_tags_missing_from_the_vocabulary_are_not_suggested():
    new = model("new", ("calm", "polka"), "styles")

    assert "polka" not in scored_by(catalog(new))


def test_a_trained_model_does_not_change_other_vocabularies():
    new = model("new", ("calm",), "others")

    words = catalog(OLD, new)

    assert scored_by(words) == BY_OLD
    assert scored_by(words, "others") == {"calm": [("new", "calm")]}


def test_a_model_brings_a_vocabulary_that_has_no_file():
    new = model("new", ("b", "a"), "brand", version="2026-01", description="New words.")

    brand = catalog(OLD, new).vocabularies["brand"]

    assert (brand.name, brand.version, brand.description) == ("brand", "2026-01", "New words.")
    assert brand.tags == {"b": Tag({"new": ("b",)}), "a": Tag({"new": ("a",)})}


def test_a_vocabulary_without_a_version_has_the_model_s():
    assert catalog(model("new", ("a",), "brand")).vocabularies["brand"].version == "3"


def test_of_two_models_with_one_new_vocabulary_the_first_defines_its_tags():
    first = model("first", ("a", "b"), "brand")
    second = model("second", ("b", "c"), "brand")

    assert scored_by(catalog(first, second), "brand") == {
        "a": [("first", "a")],
        "b": [("first", "b")],
    }


def test_a_trained_model_may_share_its_family_with_another():
    tuned = model("tuned", ("calm", "odd"), "styles", family="old")

    assert scored_by(catalog(OLD, tuned)) == {
        "calm": [("tuned", "calm")],
        "loud": BY_OLD["loud"],
        "odd": [("tuned", "odd")],
    }


def test_a_tag_keeps_its_genres_and_labels_when_a_model_was_trained_on_it():
    spoken = with_model_tags(WRITTEN, [OLD, model("new", ("calm",), "styles")])

    assert spoken.tags["calm"] == replace(WRITTEN.tags["calm"], raw_tags={"new": ("calm",)})
    assert spoken.genres == WRITTEN.genres


def test_a_model_without_a_tag_of_its_vocabulary_is_refused():
    stray = model("stray", ("polka",), "styles")

    with pytest.raises(VocabularyError, match=r"stray/3 was trained on a vocabulary 'styles'"):
        catalog(stray)


def test_an_unused_model_brings_no_vocabulary():
    words = catalog(OLD)

    with pytest.raises(RequestError, match="No vocabulary has this name"):
        words.projection("brand", None)


WORDS = ("calm", "loud", "odd", "polka")


@given(
    st.lists(
        st.lists(st.sampled_from(WORDS[:3]), min_size=1, unique=True).flatmap(
            lambda tags: st.tuples(st.just(tags), st.lists(st.sampled_from(tags), unique=True))
        ),
        max_size=4,
    )
)
def test_each_tag_belongs_to_one_trained_model_at_most_and_none_is_lost(
    learners: list[tuple[list[str], list[str]]],
):
    models = [
        model(f"m{number}", tags, "styles", unheard=unheard)
        for number, (tags, unheard) in enumerate(learners)
    ]

    spoken = with_model_tags(WRITTEN, [*models, OLD])

    assert list(spoken.tags) == list(WRITTEN.tags)
    for name, tag in spoken.tags.items():
        able = [
            each.name
            for each, (tags, unheard) in zip(models, learners, strict=True)
            if name in tags and name not in unheard
        ]
        wanted = {able[0]: (name,)} if able else WRITTEN.tags[name].raw_tags
        assert tag == replace(WRITTEN.tags[name], raw_tags=wanted)
