"""Features of pairs of artist and curator, which several models share.

The features of an interaction to train on are computed from the curator's other interactions, as
its own score would be in them otherwise.
"""

import numpy as np

from app.recommender.data import Floats, Interactions, Platform
from app.recommender.models.base import Tastes, Training
from app.recommender.models.content import (
    ArtistContent,
    CuratorProfiles,
    Which,
    match_styles,
    match_subgenres,
)
from app.recommender.similarity import Matrix, cosine_pairs
from app.recommender.target import PRIOR, likes_all_penalty, match_of_others

STATED = ("acceptance rate", "liked subgenres", "disliked subgenres", "likes all", "same country")
TAGS = ("accepted tracks", "declined tracks")

CONSTANT = 1e-9
"""A feature with a smaller standard deviation is constant, but for rounding."""


def feature_names(*, has_tags: bool) -> tuple[str, ...]:
    """Return the names of the features, with or without those of tag vectors."""
    return STATED + (TAGS if has_tags else ())


def training_features(training: Training, tastes: Tastes | None) -> Floats:
    """Return the features of the interactions to train on, (n, features).

    Args:
        training: What models are trained on.
        tastes: Its tag vectors; None to leave out features of tags.
    """
    platform, count = training.platform, len(training.platform.curators.ids)
    made = platform.interactions
    columns = [_rates_of_others(made, count), *_stated_pairs(platform)]
    if tastes is not None:
        columns += [
            match_of_others(made.curators, chosen, tastes.sent, count)
            for chosen in (made.accepted, made.declined)
        ]
    return np.stack(columns, axis=1)


def feature_scale(features: Floats) -> tuple[Floats, Floats]:
    """Return the mean and the standard deviation of features, (features,) each; 1 if constant.

    Args:
        features: Those to train on, (n, features).
    """
    spread: Floats = features.std(axis=0)
    return features.mean(axis=0), np.where(spread > CONSTANT, spread, 1.0)


def pair_features(
    artists: ArtistContent, profiles: CuratorProfiles, curators: Which, *, has_tags: bool
) -> list[Matrix]:
    """Return each feature of all pairs, (artists, curators).

    Of an artist with several styles, the one that fits best counts.

    Args:
        artists: The artists.
        profiles: What is known of all curators.
        curators: The curators.
        has_tags: Whether features of tags are among them.
    """
    rates = profiles.rates[curators]
    shape = len(artists), len(rates)
    features: list[Matrix] = [
        np.broadcast_to(rates, shape),
        match_subgenres(artists.chosen, profiles.liked_columns, curators),
        match_subgenres(artists.chosen, profiles.disliked_columns, curators),
        np.broadcast_to(profiles.likes_all[curators], shape),
        _same_country(artists.countries[:, np.newaxis], profiles.countries[curators], 0),
    ]
    if has_tags:
        features += [
            match_styles(artists, side[curators])
            for side in (profiles.accepted_units, profiles.declined_units)
        ]
    return features


def _rates_of_others(made: Interactions, curators: int) -> Floats:
    """Return `mean_scores` for each interaction from the curator's others, (n,)."""
    answered = np.bincount(made.curators, minlength=curators)[made.curators] - 1
    summed = np.bincount(made.curators, made.scores, curators)[made.curators] - made.scores
    rates: Floats = (summed + PRIOR * made.scores.mean()) / (answered + PRIOR)
    return rates


def _stated_pairs(platform: Platform) -> list[Floats]:
    """Return what both sides state, for each interaction: all of `STATED` but the first."""
    made, curators = platform.interactions, platform.curators
    chosen = platform.artists.subgenres[made.artists]
    countries = np.array(platform.artists.countries)[made.artists]
    return [
        cosine_pairs(chosen, curators.liked[made.curators]),
        cosine_pairs(chosen, curators.disliked[made.curators]),
        likes_all_penalty(curators.liked)[made.curators],
        _same_country(countries, np.array(curators.countries)[made.curators], ""),
    ]


def _same_country(left: np.ndarray, right: np.ndarray, unknown: object) -> Floats:
    """Return 1 where both are known and the same, otherwise 0."""
    same: Floats = ((left == right) & (left != unknown)).astype(float)
    return same
