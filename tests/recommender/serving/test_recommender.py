"""What a published recommender answers."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from app.recommender.data import AGREED
from app.recommender.models.base import Training
from app.recommender.models.baselines import TagCosine
from app.recommender.models.content_model import ContentModel
from app.recommender.models.registry import ID_ONLY, MODELS, make_models
from app.recommender.serving.query import ArtistQuery
from app.recommender.serving.ranking import highest
from app.recommender.simulation.simulate import Simulation
from app.recommender.tag_space import TagSpace
from tests.recommender.serving.conftest import Published, check_parity, publish

OTHERS = ("popularity", "subgenre-cosine", "tag-cosine", "linear")
"""The models without an own test, all of which train fast."""


def test_scores_are_those_of_the_trained_model(linear_tags: Published) -> None:
    check_parity(linear_tags, range(40))


@pytest.mark.parametrize("name", OTHERS)
def test_scores_of_other_models_are_too(
    name: str, simulation: Simulation, all_interactions: Training, tmp_path: Path
) -> None:
    (model,) = make_models([name])
    assert isinstance(model, ContentModel)
    check_parity(publish(simulation, all_interactions, model, tmp_path), range(10))


def test_models_that_know_artists_by_interactions_only_are_named() -> None:
    served = {name for name in MODELS if isinstance(MODELS[name](), ContentModel)}

    assert served == set(MODELS) - set(ID_ONLY)


def test_excluded_curators_are_left_out_and_the_next_ones_take_their_place(
    linear_tags: Published,
) -> None:
    query, ask = linear_tags.query(3), linear_tags.recommender.recommend
    first = [each.curator_id for each in ask(query, 6).curators]

    rest = ask(query, 3, exclude=[first[1], first[3], first[4], "unknown"])

    assert [each.curator_id for each in rest.curators] == [first[0], first[2], first[5]]


def test_more_curators_than_there_are_give_all_of_them(linear_tags: Published) -> None:
    curators = linear_tags.simulation.platform.curators.ids

    answer = linear_tags.recommender.recommend(linear_tags.query(0), 1000, exclude=curators[:2])
    none = linear_tags.recommender.recommend(linear_tags.query(0), 10, exclude=curators)

    assert {each.curator_id for each in answer.curators} == set(curators[2:])
    assert none.curators == ()


def test_reasons_are_true(linear_tags: Published) -> None:
    platform, vectors = linear_tags.simulation.platform, linear_tags.simulation.vectors
    made, rows = platform.interactions, vectors.rows_of(platform.tracks)
    found = 0
    for artist in range(5):
        query = linear_tags.query(artist)
        for each in linear_tags.recommender.recommend(query, 20).curators:
            curator = platform.curators.ids.index(each.curator_id)
            is_accepted = (made.curators == curator) & (made.scores >= AGREED) & (made.tracks >= 0)
            accepted = np.unique(made.tracks[is_accepted])
            liked = platform.curators.liked[curator]
            assert each.shared_subgenres == tuple(
                name for name in query.subgenres if liked[platform.subgenres.index(name)]
            )
            for tag in each.shared_tags:
                column = vectors.tags.index(tag.tag)
                mean = vectors.scores[:, column].mean()
                of_curator = vectors.scores[rows[accepted], column].mean()
                np.testing.assert_allclose(tag.artist, query.tracks[:, column].mean(), atol=1e-5)
                np.testing.assert_allclose(tag.curator, of_curator, atol=1e-5)
                assert min(tag.artist, tag.curator) > mean
            similarities = [track.similarity for track in each.similar_tracks]
            assert similarities == sorted(similarities, reverse=True)
            for track in each.similar_tracks:
                index = platform.tracks.external_ids.index(track.external_id)
                assert index in accepted
                assert track.track_id == platform.tracks.track_ids[index]
                found += 1
    assert found > 50


def test_an_accepted_track_is_most_like_itself(linear_tags: Published) -> None:
    platform, vectors = linear_tags.simulation.platform, linear_tags.simulation.vectors
    made = platform.interactions
    accepted = np.flatnonzero(made.accepted & (made.tracks >= 0))[0]
    track, curator = made.tracks[accepted], platform.curators.ids[made.curators[accepted]]
    scores = vectors.scores[vectors.rows_of(platform.tracks)[[track]]]

    answer = linear_tags.recommender.recommend(ArtistQuery(None, (), "", scores), 1000)

    (found,) = [each for each in answer.curators if each.curator_id == curator]
    assert found.similar_tracks[0].external_id == platform.tracks.external_ids[track]
    np.testing.assert_allclose(found.similar_tracks[0].similarity, 1, atol=1e-5)


def test_an_artist_of_several_styles_is_recommended_by_the_best_one(
    simulation: Simulation, all_interactions: Training, tmp_path: Path
) -> None:
    published = publish(simulation, all_interactions, TagCosine(), tmp_path)
    directions = TagSpace.of(simulation.vectors.scores).directions(simulation.vectors.scores)
    one, other = 0, int(np.argmin(directions @ directions[0]))

    first, second, both = (
        {
            each.curator_id: each.score
            for each in published.recommender.recommend(
                ArtistQuery(None, (), "", simulation.vectors.scores[rows]), 1000
            ).curators
        }
        for rows in ([one], [other], [one, one, other, other])
    )

    for name, score in both.items():
        np.testing.assert_allclose(score, max(first[name], second[name]), atol=1e-5)


def test_without_anything_known_an_artist_is_recommended_something(
    linear_tags: Published,
) -> None:
    tags = len(linear_tags.recommender.manifest.tags)
    nothing = ArtistQuery(None, (), "", np.zeros((0, tags), np.float32))

    plain = linear_tags.recommender.recommend(nothing, 5)
    broken = replace(nothing, tracks=np.full((2, tags), np.nan, np.float32), country="Atlantis")

    assert len(plain.curators) == 5
    assert linear_tags.recommender.recommend(broken, 5) == plain
    assert all(not each.shared_tags and not each.similar_tracks for each in plain.curators)


def test_a_model_without_ids_knows_content_only(linear_tags: Published) -> None:
    assert linear_tags.recommender.recommend(linear_tags.query(0, by_id=True), 1).is_cold


def test_the_vector_of_a_known_track_is_that_of_the_catalogue(linear_tags: Published) -> None:
    platform, vectors = linear_tags.simulation.platform, linear_tags.simulation.vectors
    row = vectors.rows_of(platform.tracks)[7]

    found = linear_tags.recommender.identity(platform.tracks.track_ids[7])

    assert found is not None
    np.testing.assert_array_equal(found, vectors.scores[row])
    assert linear_tags.recommender.identity("0" * 64) is None


def test_equal_scores_are_in_order() -> None:
    scores = np.array([0.5, 1.0, 0.5, 1.0, 0.5, 0.0])

    assert highest(scores, 4).tolist() == [1, 3, 0, 2]
    assert highest(scores, 9).tolist() == [1, 3, 0, 2, 4, 5]
    assert highest(scores[:0], 3).tolist() == []
