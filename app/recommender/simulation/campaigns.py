"""Simulates campaigns: which curators an artist sends a track to, and what they answer."""

import numpy as np

from app.recommender.data import Floats, Indices, Interactions, Mask, Times
from app.recommender.similarity import cosine_rows
from app.recommender.simulation.settings import END, Settings
from app.recommender.simulation.world import DAY_US, Sent, World

CAMPAIGNS = 4
"""The most campaigns of an artist."""

MATCH = 6.0
"""How strongly artists prefer curators who say they like the chosen subgenres."""


def run_campaigns(world: World, random: np.random.RandomState) -> Interactions:
    """Return the interactions of all campaigns, in the order of time.

    An artist draws curators one after the other, without contacting any twice: by popularity and by
    the subgenres that both name. Nothing is recommended, so that no position is logged.
    """
    settings, curators = world.settings, world.curators
    ranks = random.permutation(settings.curators) + 1.0
    popularity = -settings.popularity * np.log(ranks)
    sent: list[Sent] = []
    tracks = np.split(
        np.arange(len(world.tracks.tracks.artists)),
        np.cumsum(np.bincount(world.tracks.tracks.artists, minlength=settings.artists))[:-1],
    )
    for artist, budget in enumerate(_budgets(settings, random)):
        utilities = (
            popularity
            + MATCH
            * cosine_rows(
                world.artists.artists.subgenres[artist : artist + 1], curators.curators.liked
            )[0]
        )
        is_free = np.ones(settings.curators, bool)
        campaigns = min(budget, 1 + random.randint(CAMPAIGNS))
        times = _campaign_times(world.artists.artists.joined[artist], campaigns, random)
        for number, at in enumerate(times):
            wanted = budget // campaigns + (number < budget % campaigns)
            drawn = _draw_curators(utilities, is_free & (curators.joined <= at), wanted, random)
            is_free[drawn] = False
            track = int(random.choice(tracks[artist]))
            sent.append(Sent(artist, track, at, drawn, np.full(len(drawn), np.nan)))
    return world.answer(sent, random, until=END)


def _budgets(settings: Settings, random: np.random.RandomState) -> Indices:
    """Return the number of interactions of each artist, which differ as incomes do."""
    activity = random.lognormal(sigma=0.8, size=settings.artists)
    budgets = np.floor(settings.interactions * activity / activity.sum()).astype(np.int64)
    rest = settings.interactions - budgets.sum()
    budgets[random.permutation(settings.artists)[:rest]] += 1
    limited: Indices = np.minimum(budgets, settings.curators // 2)
    return limited


def _campaign_times(joined: np.datetime64, campaigns: int, random: np.random.RandomState) -> Times:
    """Return the times of an artist's campaigns; the first begins within a month."""
    left = int((END - joined).astype(np.int64))
    first = min(left // 2, round(30 * DAY_US * random.uniform()))
    later = first + (left - first) * random.uniform(size=max(campaigns - 1, 0))
    offsets = np.sort(np.append(later, first)).astype("timedelta64[us]")
    times: Times = joined + offsets[:campaigns]
    return times


def _draw_curators(
    utilities: Floats, is_possible: Mask, count: int, random: np.random.RandomState
) -> Indices:
    """Draw curators one after the other by the softmax of their utilities."""
    possible = np.flatnonzero(is_possible)
    # The order of the largest utilities with Gumbel noise is that of draws without replacement.
    order = np.argsort(-(utilities[possible] + random.gumbel(size=len(possible))))[:count]
    drawn: Indices = possible[order]
    return drawn
