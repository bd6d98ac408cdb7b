"""Simulates campaigns: which curators an artist sends a track to, and what they answer."""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from app.recommender.data import (
    AGREED,
    DECLINED,
    FEEDBACK,
    SHARED,
    Floats,
    Indices,
    Interactions,
    Mask,
    Times,
)
from app.recommender.similarity import cosine_rows
from app.recommender.simulation.population import MadeArtists, MadeCurators, MadeTracks
from app.recommender.simulation.settings import END, Answer, Settings

CAMPAIGNS = 4
"""The most campaigns of an artist."""

MATCH = 6.0
"""How strongly artists prefer curators who say they like the chosen subgenres."""

STEEPNESS = 15.0
THRESHOLDS = {Answer.USUAL: 0.2, Answer.SELECTIVE: 0.4, Answer.ACCEPTS_ALL: -0.5}
"""The affinity at which a curator accepts every second track."""

SHARES_AFTER_AGREEING, FEEDBACK_AFTER_DECLINING = 0.8, 0.4
IN_CONTACT = 0.6
"""The share of accepted artists who stay in contact."""

ANSWER_DAYS = 7.0
DAY_US = 86_400 * 10**6


@dataclass(frozen=True, eq=False)
class World:
    """All that campaigns depend on."""

    settings: Settings
    artists: MadeArtists
    tracks: MadeTracks
    curators: MadeCurators

    def acceptance(self, tracks: Indices) -> Floats:
        """Return the probability that each curator accepts a track, (tracks, curators)."""
        affinities = self.tracks.directions[tracks] @ self.curators.tastes.T
        thresholds = np.array([THRESHOLDS[each] for each in self.curators.answers])
        accepted: Floats = expit(STEEPNESS * (affinities - thresholds))
        return accepted


@dataclass(frozen=True, eq=False)
class _Sent:
    """What one campaign sent."""

    artist: int
    track: int
    at: np.datetime64
    curators: Indices
    propensities: Floats


def run_campaigns(world: World, random: np.random.RandomState) -> Interactions:
    """Return the interactions of all campaigns, in the order of time.

    An artist draws curators one after the other, without contacting any twice: by popularity and by
    the subgenres that both name. The propensity is the probability of the curator in its draw.
    """
    settings, curators = world.settings, world.curators
    ranks = random.permutation(settings.curators) + 1.0
    popularity = -settings.popularity * np.log(ranks)
    sent: list[_Sent] = []
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
            drawn, propensities = _draw_curators(
                utilities, is_free & (curators.joined <= at), wanted, random
            )
            is_free[drawn] = False
            track = int(random.choice(tracks[artist]))
            sent.append(_Sent(artist, track, at, drawn, propensities))
    return _answer(world, sent, random)


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
) -> tuple[Indices, Floats]:
    """Draw curators one after the other by the softmax of their utilities.

    Returns:
        Their indices, and the probability of each in its draw.
    """
    possible = np.flatnonzero(is_possible)
    weights = np.exp(utilities[possible] - utilities[possible].max())
    # The order of the largest utilities with Gumbel noise is that of draws without replacement.
    order = np.argsort(-(np.log(weights) + random.gumbel(size=len(possible))))[:count]
    drawn = weights[order]
    before = np.append(0.0, np.cumsum(drawn)[:-1])
    return possible[order], drawn / (weights.sum() - before)


def _answer(world: World, sent: list[_Sent], random: np.random.RandomState) -> Interactions:
    counts = [len(each.curators) for each in sent]
    tracks = np.repeat([each.track for each in sent], counts)
    curators = np.concatenate([each.curators for each in sent])
    affinity = np.einsum(
        "it,it->i", world.tracks.directions[tracks], world.curators.tastes[curators]
    )
    thresholds = np.array([THRESHOLDS[each] for each in world.curators.answers])[curators]
    size = len(tracks)
    is_accepted = random.uniform(size=size) < expit(STEEPNESS * (affinity - thresholds))
    accepted = np.where(random.uniform(size=size) < SHARES_AFTER_AGREEING, SHARED, AGREED)
    declined = np.where(random.uniform(size=size) < FEEDBACK_AFTER_DECLINING, FEEDBACK, DECLINED)
    scores = np.where(is_accepted, accepted, declined)
    ratings = np.clip(np.round(3 + 2 * affinity + 0.7 * random.normal(size=size)), 1, 5)
    contact = is_accepted & (random.uniform(size=size) < IN_CONTACT)
    waits = (ANSWER_DAYS * DAY_US * random.uniform(size=size)).astype("timedelta64[us]")
    at = np.minimum(np.repeat(np.array([each.at for each in sent]), counts) + waits, END)
    made = Interactions(
        artists=np.repeat([each.artist for each in sent], counts).astype(np.int64),
        curators=curators,
        tracks=tracks.astype(np.int64),
        scores=scores,
        at=at,
        positions=np.concatenate([np.arange(count) + 1 for count in counts]),
        propensities=np.concatenate([each.propensities for each in sent]),
        ratings=np.where(scores > DECLINED, ratings, np.nan),
        in_contact=contact.astype(float),
        viewed_s=np.round(random.lognormal(3, 0.8, size=size), 1),
    )
    return made.take(np.argsort(at, kind="stable"))
