"""Simulates lists of recommendations of a known policy, whose curators are all contacted."""

import numpy as np

from app.recommender.data import Floats, Indices, Interactions
from app.recommender.policies.ranking import RankingPolicy
from app.recommender.similarity import cosine_rows
from app.recommender.simulation.settings import END
from app.recommender.simulation.world import DAY_US, Sent, World

POLICY = RankingPolicy(k=10, temperature=0.3)
"""The policy of `taggram recommend simulate`, of scores within -1..1."""

DAYS = 30
"""Lists are shown for this many days after the campaigns."""


def recommend_by_subgenres(
    world: World, before: Interactions, random: np.random.RandomState
) -> Interactions:
    """Show lists to some artists, drawn by the match of what both sides say about subgenres.

    Args:
        world: What is true.
        before: The campaigns. An artist gets no curators that it contacted in them.
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
) -> list[Sent]:
    """Draw a list for each artist, who sends any of its tracks to all of them.

    Args:
        world: What is true.
        artists: Indices of artists, (lists,).
        scores: The scores of the curators for each, (lists, curators), -inf for those that must not
            be recommended.
        policy: How lists are drawn.
        random: The source of random numbers.
    """
    return [
        send_list(world, int(artist), *drawn, random)
        for artist, drawn in zip(artists, policy.draw(scores, random), strict=True)
    ]


def send_list(
    world: World,
    artist: int,
    curators: Indices,
    propensities: Floats,
    random: np.random.RandomState,
) -> Sent:
    """Return any track of an artist, sent to all curators of a list after the campaigns.

    Args:
        world: What is true.
        artist: The index of the artist.
        curators: The list, (k,).
        propensities: The probability of each to be in the list, (k,).
        random: The source of random numbers.
    """
    track = int(random.choice(np.flatnonzero(world.tracks.tracks.artists == artist)))
    wait = np.timedelta64(1 + round(DAYS * DAY_US * random.uniform()), "us")
    return Sent(artist, track, END + wait, curators, propensities)
