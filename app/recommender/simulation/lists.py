"""Simulates lists of recommendations of a known policy, whose curators are all contacted."""

from collections.abc import Sequence

import numpy as np

from app.recommender.data import Floats, Indices, Interactions
from app.recommender.policies.ranking import RankingPolicy
from app.recommender.similarity import cosine_rows
from app.recommender.simulation.settings import END
from app.recommender.simulation.world import DAY_US, Sent, World

POLICY = RankingPolicy(k=10, temperature=0.3)
"""The policy of `taggram recommend simulate`, of scores within -1..1."""

DAYS = 30
"""Lists are shown for so many days after the campaigns."""


def recommend_by_subgenres(
    world: World, before: Interactions, random: np.random.RandomState
) -> Interactions:
    """Show lists to some artists, drawn by the match of what both sides say about subgenres.

    Args:
        world: What is true.
        before: The campaigns; curators whom an artist contacted are not recommended to it.
        random: The source of random numbers.
    """
    settings = world.settings
    artists = np.sort(random.permutation(settings.artists)[: settings.lists])
    chosen = world.artists.artists.subgenres[artists]
    curators = world.curators.curators
    scores = cosine_rows(chosen, curators.liked) - cosine_rows(chosen, curators.disliked)
    rows = np.full(settings.artists, -1)
    rows[artists] = np.arange(len(artists))
    is_shown = rows[before.artists] >= 0
    scores[rows[before.artists][is_shown], before.curators[is_shown]] = -np.inf
    return world.answer(draw_lists(world, artists, scores, POLICY, random), random)


def draw_lists(
    world: World,
    artists: Indices,
    scores: Floats,
    policy: RankingPolicy,
    random: np.random.RandomState,
) -> Sequence[Sent]:
    """Draw a list for each artist, who sends any of its tracks to all of them.

    Args:
        world: What is true.
        artists: Indices of artists, (lists,).
        scores: The scores of the curators for each, (lists, curators), -inf for those that must not
            be recommended.
        policy: How lists are drawn.
        random: The source of random numbers.
    """
    owners = world.tracks.tracks.artists
    sent = []
    for artist, row in zip(artists, scores, strict=True):
        curators, propensities = policy.draw(row, random)
        track = int(random.choice(np.flatnonzero(owners == artist)))
        wait = np.timedelta64(round(DAYS * DAY_US * random.uniform()) + 1, "us")
        sent.append(Sent(int(artist), track, END + wait, curators, propensities))
    return sent
