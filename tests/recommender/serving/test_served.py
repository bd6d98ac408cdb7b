"""Which recommender answers an artist, and what a service needs to serve one."""

from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from app.catalogue.rows import Outcome
from app.domain import ModelRef, Precision, Taggram, TaggramKey
from app.errors import SetupError
from app.model_catalog import read_catalog
from app.recommender.projected import projected_tags, score_projected
from app.recommender.serving.load import load_recommenders
from app.recommender.serving.served import Recommenders, ServedRecommender, identify_artist
from app.recommender.serving.tag_source import TagSource
from app.settings import Settings
from app.store.manifest.recommender import Vectors
from app.store.storage.store import Store
from app.tagging.catalog import ModelCatalog
from testing.made_recommender import publish_made
from tests.support.recommenders import MODEL, publish_raw, store_with_model

ARTISTS = [identify_artist(f"a{number}", (), (), "") for number in range(2_000)]


SIDES = [True, True, False, True, True, False, True, False]
"""Of the first artists, with a share of one half."""


def pair(share: float, old: str = "1", new: str = "2") -> Recommenders:
    """Two versions of a recommender."""
    current, candidate = (
        ServedRecommender(
            SimpleNamespace(manifest=SimpleNamespace(ref=ModelRef("c", version))),  # type: ignore[arg-type]
            TagSource(()),
        )
        for version in (old, new)
    )
    return Recommenders(current, candidate, share)


def of_candidate(recommenders: Recommenders, artists: Sequence[str] = ARTISTS) -> set[str]:
    """The artists that the candidate answers."""
    return {each for each in artists if recommenders.choose(each) is recommenders.candidate}


@pytest.mark.parametrize("share", [0.1, 0.5])
def test_the_candidate_answers_about_its_share(share: float) -> None:
    deviation = (share * (1 - share) * len(ARTISTS)) ** 0.5
    assert abs(len(of_candidate(pair(share))) - share * len(ARTISTS)) < 4 * deviation


def test_the_candidate_answers_all_none_or_does_not_exist() -> None:
    assert of_candidate(pair(1)) == set(ARTISTS)
    assert of_candidate(pair(0)) == set()
    alone = Recommenders(pair(0).current)
    assert alone.choose(ARTISTS[0]) is alone.current


def test_an_artist_stays_on_a_side_and_a_higher_share_only_adds() -> None:
    assert of_candidate(pair(0.3)) == of_candidate(pair(0.3))
    assert of_candidate(pair(0.3)) < of_candidate(pair(0.4))
    # The same on every machine and in every release: artists must not change sides.
    halves = of_candidate(pair(0.5))
    assert [each in halves for each in ARTISTS[:8]] == SIDES


def test_another_pair_divides_the_artists_anew() -> None:
    both = of_candidate(pair(0.5)) & of_candidate(pair(0.5, "2", "3"))
    assert abs(len(both) - len(ARTISTS) / 4) < 4 * (len(ARTISTS) * 3 / 16) ** 0.5


def test_an_artist_is_identified_by_id_or_tracks_or_all_that_is_said() -> None:
    by_id = identify_artist("a1", ["t1"], ["dub"], "DE")
    assert by_id == identify_artist("a1", ["t2"], ["techno"], "FR")
    by_tracks = identify_artist(None, ["t1", "t2", "t1"], ["dub"], "DE")
    assert by_tracks == identify_artist(None, ["t2", "t1"], [], "")
    by_rest = identify_artist(None, [], ["dub", "techno"], "DE")
    assert by_rest == identify_artist(None, [], ["techno", "dub"], "DE")
    assert by_rest != identify_artist(None, [], ["dub", "techno"], "FR")
    assert len({by_id, by_tracks, by_rest, identify_artist("a2", [], [], "")}) == 4


# Loading


@pytest.fixture(scope="module")
def models(store: Path, tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A store with a model, and a recommender that takes its raw tags."""
    models = store_with_model(store, tmp_path_factory.mktemp("models"))
    publish_raw(models)
    return models


def settings(models: Store, recommender: str | None = "curators", **more: Any) -> Settings:
    return Settings(
        _env_file=None, model_store=models.url, models=(MODEL,), recommender=recommender, **more
    )


def load(settings: Settings) -> Recommenders:
    return load_recommenders(settings, read_catalog(settings))


def publish_vocabularies(
    models: Store, catalog: ModelCatalog, *names: str, change: Callable[[str], str] = str
) -> tuple[str, ...]:
    """Publish a recommender that takes tags of vocabularies; return these."""
    projections = [catalog.projection(name, None) for name in names]
    tags = tuple(map(change, projected_tags(projections)))
    versions = [f"{each.vocabulary.name}/{each.vocabulary.version}" for each in projections]
    vectors = Vectors(models=(f"{MODEL}/1",), vocabularies=tuple(versions))
    publish_made(models, "vocabularies", tags, vectors)
    return tags


def test_a_recommender_is_loaded_with_what_computes_its_vectors(models: Store) -> None:
    served = load(settings(models, "curators/1")).current
    assert str(served.recommender.manifest.ref) == "curators/1"
    assert [model.name for model in served.source.models] == [MODEL]
    assert served.source.tags == served.recommender.manifest.tags


def test_a_recommender_without_tags_knows_no_track(models: Store) -> None:
    publish_made(models, "plain", (), None)
    served = load(settings(models, "plain")).current
    assert (served.source.models, served.source.tags) == ((), ())
    assert served.recommender.identity("0" * 64) is None


def test_vectors_of_vocabularies_are_those_of_a_catalogue(models: Store) -> None:
    catalog = read_catalog(settings(models))
    names = ("subgenres", "moodthemes")
    tags = publish_vocabularies(models, catalog, *names)
    source = load(settings(models, "vocabularies")).current.source
    [model] = catalog.models
    random = np.random.RandomState(0)
    taggrams = [
        Taggram(
            TaggramKey(str(number), model.ref, Precision.FLOAT32),
            *(9.0, 3.0, 3.0),
            random.uniform(0, 1, (3, len(model.tags.names))).astype(np.float32),
            np.zeros((1000, 2), np.int8),
        )
        for number in range(2)
    ]
    rows = [Outcome.of(taggram).scores for taggram in taggrams]
    stored = np.stack([row for row in rows if row is not None])

    vectors = source.score([[taggram] for taggram in taggrams])

    projections = [catalog.projection(name, None) for name in names]
    np.testing.assert_array_equal(vectors, score_projected(projections, {model.ref: stored}))
    assert source.tags == tags
    assert vectors.shape == (2, len(tags))


def spoil_tag(tag: str) -> str:
    return "polka" if tag == "ambient" else tag


def test_changed_tags_of_a_vocabulary_are_refused_with_the_difference(models: Store) -> None:
    publish_vocabularies(models, read_catalog(settings(models)), "subgenres", change=spoil_tag)
    message = "TAGGRAM_RECOMMENDER: .*1 new, such as 'ambient'; 1 missing, such as 'polka'"
    with pytest.raises(SetupError, match=message):
        load(settings(models, "vocabularies"))


def test_another_version_of_a_vocabulary_is_refused_with_those_at_hand(models: Store) -> None:
    vectors = Vectors(models=(f"{MODEL}/1",), vocabularies=("subgenres/0",))
    publish_made(models, "old", ("ambient",), vectors)
    with pytest.raises(SetupError, match=r"old/1 takes tags of .* subgenres/0, but .* subgenres/"):
        load(settings(models, "old"))


def test_a_tagger_that_is_not_loaded_is_refused_by_name(models: Store) -> None:
    publish_made(models, "other", ("ambient",), Vectors(models=("mtt-musicnn/1",)))
    message = r"other/1 takes tags of mtt-musicnn/1, but TAGGRAM_MODELS has msd-musicnn/1; add"
    with pytest.raises(SetupError, match=message):
        load(settings(models, "other"))


def test_an_unpublished_recommender_is_refused_with_the_setting(models: Store) -> None:
    with pytest.raises(SetupError, match=r"TAGGRAM_RECOMMENDER: 'nothing'.*curators"):
        load(settings(models, "nothing"))
    with pytest.raises(SetupError, match=r"TAGGRAM_RECOMMENDER_CANDIDATE: 'curators/9'"):
        load(settings(models, recommender_candidate="curators/9"))


def test_a_candidate_alone_is_refused(models: Store) -> None:
    with pytest.raises(SetupError, match="TAGGRAM_RECOMMENDER_CANDIDATE is set, but not"):
        load(settings(models, None, recommender_candidate="curators"))


def test_a_candidate_with_other_subgenres_is_refused(models: Store) -> None:
    publish_raw(models, "finer", ("ambient", "polka"))
    with pytest.raises(SetupError, match="finer/1 and curators/1 have different subgenres, such"):
        load(settings(models, recommender_candidate="finer"))
