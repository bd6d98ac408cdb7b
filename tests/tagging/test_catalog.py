"""Which models a vocabulary asks, and which names are refused."""

from collections.abc import Mapping, Sequence

import pytest

from app.errors import Kind, RequestError
from app.store.manifest.manifest import Manifest
from app.tagging.catalog import ModelCatalog
from app.tagging.model_vocabularies import add_model_vocabularies
from app.tagging.projection import Projection
from app.tagging.vocabulary import Tag, Vocabulary
from tests.tagging.samples import model

BUILT_IN = ("genres", "subgenres", "moodthemes", "alltags")
ALL = ("msd-musicnn", "msd-vgg", "mtt-vgg", "mtt-musicnn")
STYLES = Vocabulary("styles", "1", "", {"calm": Tag({"a": ("mellow",)}), "later": Tag()})


@pytest.fixture(scope="module")
def catalog(
    published: Mapping[str, Manifest], vocabularies: Mapping[str, Vocabulary]
) -> ModelCatalog:
    """Two models of each family."""
    return ModelCatalog([published[name] for name in ALL], vocabularies)


def names(models: Sequence[Manifest]) -> tuple[str, ...]:
    return tuple(model.name for model in models)


def columns(projection: Projection) -> dict[str, list[str]]:
    """By tag, the models that are asked for it."""
    return {
        row.name: [projection.models[index].name for index in row.columns]
        for row in projection.rows
    }


@pytest.mark.parametrize("vocabulary", BUILT_IN)
def test_a_vocabulary_uses_all_models_that_know_a_tag(
    vocabulary: str, catalog: ModelCatalog
) -> None:
    projection = catalog.projection(vocabulary, None)

    assert names(projection.models) == names(catalog.models_for(vocabulary)) == ALL


def test_a_model_that_knows_none_of_the_tags_is_not_used() -> None:
    catalog = ModelCatalog([model("other", ("x",)), model("a", ("mellow",))], {"styles": STYLES})

    assert names(catalog.projection("styles", None).models) == ("a",)


def test_a_tag_that_no_loaded_model_knows_is_never_given(
    published: Mapping[str, Manifest], vocabularies: Mapping[str, Vocabulary]
) -> None:
    alone = ModelCatalog([published["msd-musicnn"]], vocabularies).projection("subgenres", None)

    assert "ambient" in alone.tags
    assert "techno" not in alone.tags  # only MagnaTagATune has that tag


def test_no_more_models_are_used_than_fit_in_memory_and_the_list_shows_that(
    published: Mapping[str, Manifest], vocabularies: Mapping[str, Vocabulary]
) -> None:
    models = [published[name] for name in ALL]

    catalog = ModelCatalog(models, vocabularies, at_most=2)

    projection = catalog.projection("subgenres", None)
    assert names(projection.models) == ALL[:2]
    listed = catalog.vocabularies["subgenres"].tags
    assert set(projection.tags) == {
        name for name, tag in listed.items() if any(map(tag.raw_tags_of, projection.models))
    }
    assert names(catalog.projection("subgenres", "mtt-musicnn").models) == ("mtt-musicnn",)


def test_of_too_many_models_the_one_trained_on_the_vocabulary_is_kept() -> None:
    models = [
        *(model(name, ("mellow",), family="a") for name in ("first", "second")),
        model("trained", ("later",), "styles"),
    ]

    catalog = ModelCatalog(models, add_model_vocabularies({"styles": STYLES}, models), at_most=2)

    assert columns(catalog.projection("styles", None)) == {"calm": ["first"], "later": ["trained"]}


def test_an_operator_can_restrict_the_models_and_their_order(
    published: Mapping[str, Manifest], vocabularies: Mapping[str, Vocabulary]
) -> None:
    models = [published[name] for name in ALL]

    catalog = ModelCatalog(models, vocabularies, vocabulary_models=[models[3], models[0]])

    assert names(catalog.projection("genres", None).models) == ("mtt-musicnn", "msd-musicnn")
    assert names(catalog.projection("genres", "msd-vgg").models) == ("msd-vgg",)
    assert names(catalog.projection("raw", None).models) == ("msd-musicnn",)


def test_an_unused_model_takes_no_tag_from_the_used_ones() -> None:
    able, trained = model("a", ("mellow",)), model("trained", ("calm",), "styles")
    vocabularies = add_model_vocabularies({"styles": STYLES}, [able, trained])

    catalog = ModelCatalog([able, trained], vocabularies, vocabulary_models=[able])

    assert columns(catalog.projection("styles", None)) == {"calm": ["a"]}
    assert catalog.vocabularies["styles"].tags["calm"].raw_tags_of(able) == ("mellow",)
    assert columns(catalog.projection("styles", "trained")) == {"calm": ["trained"]}


def test_a_raw_tag_missing_from_one_model_of_the_family_is_skipped(
    vocabularies: Mapping[str, Vocabulary],
) -> None:
    smaller = model("smaller", ("rock", "pop"), family="msd")

    projection = ModelCatalog([smaller], vocabularies).projection("genres", None)

    assert set(projection.tags) == {"rock", "pop"}


def test_a_named_model_is_used_alone(catalog: ModelCatalog) -> None:
    projection = catalog.projection("genres", "mtt-musicnn")

    assert names(projection.models) == ("mtt-musicnn",)
    assert "classical" in projection.tags
    assert "jazz" not in projection.tags  # MagnaTagATune's 50 tags lack it


@pytest.mark.parametrize(("requested", "name"), [(None, "msd-musicnn"), ("mtt-vgg", "mtt-vgg")])
def test_raw_is_what_a_model_was_trained_on(
    requested: str | None, name: str, catalog: ModelCatalog, published: Mapping[str, Manifest]
) -> None:
    projection = catalog.projection("raw", requested)

    assert names(projection.models) == (name,)
    assert projection.tags == published[name].tags.names


def test_an_unknown_model_is_refused_with_a_list_of_the_loaded_ones(catalog: ModelCatalog) -> None:
    with pytest.raises(RequestError, match=", ".join(ALL)) as refusal:
        catalog.projection("subgenres", "msd-gvg")

    assert refusal.value.kind is Kind.UNKNOWN_MODEL
    assert refusal.value.extra == {"models": list(ALL)}


def test_an_unknown_vocabulary_is_refused_with_a_list_of_the_known_ones(
    catalog: ModelCatalog,
) -> None:
    for model_name in (None, "msd-vgg"):
        with pytest.raises(RequestError) as refusal:
            catalog.projection("subgenre", model_name)
        assert refusal.value.kind is Kind.UNKNOWN_VOCABULARY
        assert refusal.value.extra == {"vocabularies": [*sorted(BUILT_IN), "raw"]}


@pytest.mark.parametrize("name", [None, "other"])
def test_a_vocabulary_unknown_to_the_models_is_refused(name: str | None) -> None:
    catalog = ModelCatalog([model("other", ("x",))], {"styles": STYLES})

    catalog.check_vocabulary("styles")  # feedback on it may come from before
    with pytest.raises(RequestError, match="no tag of the vocabulary 'styles'") as refusal:
        catalog.projection("styles", name)

    assert refusal.value.kind is Kind.UNKNOWN_VOCABULARY
