"""The target of training: what happened, shifted by what the business wants (equation 2.4).

    target = score - w1 likes_all + w2 selectiveness
             + w3 (cos(artist, liked) - cos(artist, disliked))         one-hot subgenres
             + w4 (cos(track, accepted) - cos(track, declined))        tag vectors, figure 2.16

The thesis subtracts a term for pickiness, and says that the score of picky curators is boosted:
here the term is positive for selective curators and negative for those who accept nearly all. The
target leaves 0..1, so that a model of it needs a linear output. It is for training only: models are
judged on the scores themselves.
"""

from dataclasses import dataclass

import numpy as np

from app.recommender.data import Floats, Indices, Interactions, Mask, OneHot, Platform
from app.recommender.similarity import cosine_pairs, unit_rows

NEARLY_ALL = 0.8
"""The share of liked subgenres from which a curator counts as one who likes nearly all."""

PRIOR = 10.0
"""The number of interactions that the mean acceptance rate counts as, for every curator."""


@dataclass(frozen=True)
class TargetWeights:
    """The weight of each term; 0 leaves it out, and 1 is that of the thesis.

    Attributes:
        likes_all: Of the penalty for curators who like nearly all subgenres.
        selectiveness: Of the bonus for selective curators, a penalty for those who accept all.
        subgenres: Of the match of subgenres that both sides state.
        tags: Of the match of tag vectors.
    """

    likes_all: float = 0.0
    selectiveness: float = 0.0
    subgenres: float = 0.0
    tags: float = 0.0


def make_target(
    platform: Platform, weights: TargetWeights, directions: Floats | None = None
) -> Floats:
    """Return the target of each interaction to train on, (n,).

    Args:
        platform: The tables, with the interactions to train on and no others.
        weights: The weights of the terms.
        directions: What was sent in each interaction as unit vectors, (n, tags), all-zero if that
            is unknown; from `app.recommender.tag_space`. Needed for the term `tags`.
    """
    made = platform.interactions
    target = made.scores.astype(float)
    if weights.likes_all:
        target -= weights.likes_all * likes_all_penalty(platform.curators.liked)[made.curators]
    if weights.selectiveness:
        rates = acceptance_rates(made, len(platform.curators.ids))
        bonus = made.accepted.mean() - rates
        target += weights.selectiveness * bonus[made.curators]
    if weights.subgenres:
        chosen = platform.artists.subgenres[made.artists]
        liked, disliked = platform.curators.liked, platform.curators.disliked
        target += weights.subgenres * (
            cosine_pairs(chosen, liked[made.curators])
            - cosine_pairs(chosen, disliked[made.curators])
        )
    if weights.tags:
        if directions is None:
            raise ValueError("the term `tags` needs the directions of what was sent")
        curators = len(platform.curators.ids)
        target += weights.tags * (
            match_of_others(made.curators, made.accepted, directions, curators)
            - match_of_others(made.curators, made.declined, directions, curators)
        )
    return target


def likes_all_penalty(liked: OneHot) -> Floats:
    """Return the penalty of each curator, (curators,), from 0 up to 1 for all subgenres.

    Args:
        liked: The subgenres that they say they like, (curators, subgenres).
    """
    shares = liked.mean(axis=1, dtype=float)
    penalties: Floats = np.clip((shares - NEARLY_ALL) / (1 - NEARLY_ALL), 0, 1)
    return penalties


def acceptance_rates(interactions: Interactions, curators: int, prior: float = PRIOR) -> Floats:
    """Return the share of tracks that each curator accepts, (curators,), shrunk to the mean.

    With few interactions a rate says little: a curator without any has the mean rate of all.

    Args:
        interactions: What happened.
        curators: The number of curators.
        prior: The number of interactions that the mean counts as.
    """
    answered = np.bincount(interactions.curators, minlength=curators)
    accepted = np.bincount(interactions.curators, interactions.accepted, curators)
    mean = interactions.accepted.mean() if len(interactions) else 0.0
    rates: Floats = (accepted + prior * mean) / (answered + prior)
    return rates


def match_of_others(curators: Indices, chosen: Mask, directions: Floats, count: int) -> Floats:
    """Return the cosine of each interaction with the curator's other chosen ones, (n,).

    An interaction is compared with the others only: with itself, the target would repeat the score.

    Args:
        curators: The curator of each interaction, (n,).
        chosen: Which of them make the curator's taste, such as the accepted ones, (n,).
        directions: Unit vectors of what was sent, (n, tags).
        count: The number of curators.
    """
    sums = np.zeros((count, directions.shape[1]))
    np.add.at(sums, curators[chosen], directions[chosen])
    others = sums[curators] - np.where(chosen[:, np.newaxis], directions, 0.0)
    # What is left of a curator's only track is not exactly 0.
    is_empty = np.bincount(curators[chosen], minlength=count)[curators] - chosen == 0
    others[is_empty] = 0.0
    matches: Floats = np.einsum("it,it->i", unit_rows(directions), unit_rows(others))
    return matches
