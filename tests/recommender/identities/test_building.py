"""Identities of artists and curators, and their files."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from app.errors import SetupError
from app.recommender.data import UNKNOWN, TagVectors, VectorSource
from app.recommender.identities.building import IdentityBuilder, PoolingRule
from app.recommender.identities.files import (
    ACCEPTED,
    DECLINED,
    describe_vectors,
    read_artists,
    read_curators,
    write_artists,
    write_curators,
)
from app.recommender.simulation.simulate import Simulation
from app.recommender.tag_names import check_tags
from app.recommender.tag_space import TagSpace
from app.tagging.pooling import Pooling, pool


def builder_of(simulation: Simulation, rule: PoolingRule | None = None) -> IdentityBuilder:
    return IdentityBuilder(simulation.platform, simulation.vectors, rule or PoolingRule())


@pytest.mark.parametrize("pooling", [Pooling.MEAN, Pooling.MAJORITY, Pooling.SOFTMAX])
def test_an_artist_has_the_pooled_vector_of_each_style(
    simulation: Simulation, pooling: Pooling
) -> None:
    artists = builder_of(simulation, PoolingRule(pooling)).artists()
    artist = int(np.flatnonzero(np.bincount(artists.owners) == 1)[0])
    scores = simulation.vectors.scores[simulation.platform.tracks_by_artist[artist]]

    row = int(np.flatnonzero(artists.owners == artist)[0])

    np.testing.assert_allclose(artists.vectors[row], pool(scores, pooling), rtol=1e-6)
    assert artists.tracks[row] == len(scores)
    assert artists.tracks.sum() == len(simulation.platform.tracks.artists)


def test_only_the_highest_tags_are_kept(simulation: Simulation) -> None:
    whole = builder_of(simulation).artists()
    top = builder_of(simulation, PoolingRule(top_n=5)).artists()

    assert (np.count_nonzero(top.vectors, axis=1) == 5).all()
    assert np.allclose(top.vectors.max(axis=1), whole.vectors.max(axis=1))


def test_an_artist_of_several_styles_has_a_larger_spread_before_the_division(
    simulation: Simulation,
) -> None:
    artists = builder_of(simulation).artists()

    assert ((artists.spreads >= -1e-9) & (artists.spreads < 1)).all()
    assert artists.spreads[artists.tracks > 1].max() < 0.6
    assert np.allclose(artists.spreads[artists.tracks == 1], 0)


def test_accepted_tracks_are_nearer_to_a_curator_than_declined_ones(
    simulation: Simulation,
) -> None:
    made, builder = simulation.platform.interactions, builder_of(simulation)
    space = TagSpace.of(simulation.vectors.scores)
    tastes = simulation.world.curators.tastes
    cosines = []
    for chosen in (made.accepted, made.declined):
        side = builder.curators(made, chosen)
        assert set(side.owners) == set(made.curators[chosen])
        assert side.tracks.sum() == chosen.sum()
        directions = space.directions(side.vectors)
        cosines.append(np.einsum("ct,ct->c", directions, tastes[side.owners]).mean())
    assert cosines[0] > cosines[1] + 0.1


def test_the_mean_of_the_tracks_stands_for_a_track_that_is_unknown(simulation: Simulation) -> None:
    made = simulation.platform.interactions
    row = int(np.flatnonzero(made.accepted)[0])
    one = made.take(np.array([row]))
    one = replace(one, tracks=np.array([UNKNOWN]))
    rows = simulation.platform.tracks_by_artist[one.artists[0]]

    side = builder_of(simulation).curators(one, one.accepted)

    expected = simulation.vectors.scores[rows].mean(axis=0)
    np.testing.assert_allclose(side.vectors[0], expected, rtol=1e-6)


def test_tracks_without_a_vector_are_named_and_left_out(simulation: Simulation) -> None:
    vectors = simulation.vectors
    artist_tracks = simulation.platform.tracks_by_artist[0]
    gone = {simulation.platform.tracks.external_ids[track] for track in artist_tracks}
    rows = {each: row for each, row in vectors.rows.items() if each not in gone}
    partial = TagVectors(vectors.tags, vectors.scores, rows, {}, VectorSource(("part",)))

    builder = IdentityBuilder(simulation.platform, partial, PoolingRule())

    assert 0 not in builder.artists().owners
    assert not builder.artists().by_owner(len(simulation.platform.artists.ids))[0].any()


def test_files_hold_what_was_written(simulation: Simulation, tmp_path: Path) -> None:
    builder, made = builder_of(simulation), simulation.platform.interactions
    about = describe_vectors(simulation.vectors, PoolingRule())
    artists = builder.artists()
    sides = {
        ACCEPTED: builder.curators(made, made.accepted),
        DECLINED: builder.curators(made, made.declined),
    }
    ids, tags = simulation.platform.artists.ids, simulation.vectors.tags
    curator_ids = simulation.platform.curators.ids
    write_artists(tmp_path, ids, artists, about)
    write_curators(tmp_path, curator_ids, sides, about)

    read = read_artists(tmp_path, ids, tags)
    declined = read_curators(tmp_path, curator_ids, tags, DECLINED)

    for before, after in ((artists, read), (sides[DECLINED], declined)):
        assert all(np.array_equal(vars(before)[each], vars(after)[each]) for each in vars(before))
    some = read_artists(tmp_path, ids[:10], tags)
    assert set(some.owners) == set(range(10))


def test_another_vocabulary_is_refused_with_the_difference(
    simulation: Simulation, tmp_path: Path
) -> None:
    about = describe_vectors(simulation.vectors, PoolingRule())
    ids, tags = simulation.platform.artists.ids, simulation.vectors.tags
    write_artists(tmp_path, ids, builder_of(simulation).artists(), about)

    with pytest.raises(SetupError, match="1 new, such as 'alternative'; 1 missing, such as 'x'"):
        read_artists(tmp_path, ids, ("x", *tags[1:]))
    with pytest.raises(SetupError, match="in another order"):
        check_tags("here", tags, tags[::-1], "what to do")
