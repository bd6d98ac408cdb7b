"""A platform of one artist and one curator."""

import numpy as np

from app.recommender.data import Artists, Curators, Interactions, Platform, Tracks

AT = np.array(["2025-01-01"], "datetime64[us]")


def small_platform(chosen: list[int], liked: list[int], disliked: list[int]) -> Platform:
    """One interaction with the score 0.5."""
    encoded = [np.array([each], np.float32) for each in (chosen, liked, disliked)]
    nothing = np.full(1, np.nan)
    names = tuple(f"s{index}" for index in range(len(chosen)))
    one = np.zeros(1, np.int64)
    return Platform(
        names,
        Artists(("a",), encoded[0], ("FR",), AT, ("",), ((),)),
        Curators(("c",), encoded[1], 0 * encoded[1], encoded[2], ("FR",), ("fr",)),
        Tracks(("t",), ("",), one),
        Interactions(
            *(one, one, one, np.array([0.5]), AT, one, nothing, nothing, nothing, nothing)
        ),
    )
