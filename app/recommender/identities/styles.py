"""Divides the tracks of an artist into styles, if there is evidence for more than one.

Spherical k-means (Dhillon and Modha 2001) compares directions, as all of this package does. The
number of styles is that with the largest mean silhouette (Rousseeuw 1987, in cosine distance),
unless that is below 0.5, the level from which Kaufman and Rousseeuw (1990) see a reasonable
structure. The tracks of an artist are few: the start is the farthest tracks, not a random draw.
"""

import numpy as np

from app.recommender.data import Floats, Indices
from app.recommender.similarity import unit_rows

MOST_STYLES = 4
LEAST_SILHOUETTE = 0.5
TRACKS_A_STYLE = 2
"""The fewest tracks of a style: one track is no evidence."""

ROUNDS = 50


def find_styles(directions: Floats) -> Indices:
    """Return the style of each track, (tracks,), numbered from 0, the one with most tracks first.

    Args:
        directions: Unit vectors of the tracks, (tracks, tags).
    """
    best, styles = LEAST_SILHOUETTE, np.zeros(len(directions), np.int64)
    for count in range(2, min(MOST_STYLES, len(directions) // TRACKS_A_STYLE) + 1):
        found = cluster(directions, count)
        if np.bincount(found, minlength=count).min() < TRACKS_A_STYLE:
            continue
        if (value := silhouette(directions, found)) >= best:
            best, styles = value, found
    order = np.argsort(-np.bincount(styles), kind="stable")
    ranked: Indices = np.argsort(order)[styles]
    return ranked


def group_styles(directions: Floats) -> list[Indices]:
    """Return the tracks of each style, the one with most tracks first.

    Args:
        directions: Unit vectors of the tracks, (tracks, tags), at least one.
    """
    styles = find_styles(directions)
    return [np.flatnonzero(styles == style) for style in range(styles.max() + 1)]


def cluster(directions: Floats, count: int) -> Indices:
    """Return the cluster of each row by spherical k-means, (rows,).

    Args:
        directions: Unit vectors, (rows, features).
        count: The number of clusters, at most the number of rows.
    """
    chosen = [int(np.argmax(directions @ directions.sum(axis=0)))]
    while len(chosen) < count:
        nearest = (directions @ directions[chosen].T).max(axis=1)
        chosen.append(int(np.argmin(nearest)))
    centres = directions[chosen]
    clusters = np.full(len(directions), -1)
    for _ in range(ROUNDS):
        nearest_centre = np.argmax(directions @ centres.T, axis=1)
        if np.array_equal(nearest_centre, clusters):
            break
        clusters = nearest_centre
        members = np.eye(count)[clusters]
        centres = unit_rows(members.T @ directions)
    return clusters.astype(np.int64)


def silhouette(directions: Floats, clusters: Indices) -> float:
    """Return the mean silhouette in cosine distance; 0 for rows that are alone in their cluster.

    Args:
        directions: Unit vectors, (rows, features).
        clusters: The cluster of each row, at least two different ones.
    """
    distances = 1 - directions @ directions.T
    np.fill_diagonal(distances, 0)
    _, members = np.unique(clusters, return_inverse=True)
    belongs = np.eye(members.max() + 1)[members]
    sizes = belongs.sum(axis=0)
    rows, own = np.arange(len(members)), members
    sums = distances @ belongs
    within = sums[rows, own] / np.maximum(sizes[own] - 1, 1)
    others = sums / sizes
    others[rows, own] = np.inf
    nearest = others.min(axis=1)
    largest = np.maximum(np.maximum(within, nearest), np.finfo(float).tiny)
    return float(np.where(sizes[own] > 1, (nearest - within) / largest, 0).mean())
