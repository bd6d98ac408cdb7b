"""Estimates of the value of a new ranking from the log of another one.

A log has rows (a, c, r): the artist a contacted the curator c, who had been recommended with the
probability p, in a list of l curators, and answered with the score r. A new ranking recommends c
with the probability q, and n(a) curators in all. Its value is the mean score of a recommendation:

    V = mean over the rows' artists of sum over c of q(a, c) E[r | a, c] / n(a)

The row of a random contact is c with the probability p / l, if contacts are made without regard to
which of the recommended curators it is. So the weight of a row is w = (q / n) / (p / l), and:

    IPS    mean(w r)                            Horvitz and Thompson 1952
    SNIPS  sum(w r) / sum(w)                    Swaminathan and Joachims 2015
    DR     mean(m + w (r - f(a, c)))            Dudik, Langford and Li 2011

f is a reward model, and m = sum over c of q(a, c) f(a, c) / n(a) what it expects of a new
recommendation. IPS is unbiased if p > 0 wherever q > 0. Then the mean of w is 1; otherwise it is
the share of the new ranking that the log supports, and IPS counts the rest as 0. SNIPS gives the
rest the value of the others, and DR what the model expects. That an answer does not depend on the
other curators of the list is assumed by all three.
"""

from dataclasses import dataclass

import numpy as np

from app.recommender.data import Floats, Indices
from app.recommender.metrics.quotient import Quotient

LOGGED, IPS, SNIPS, DOUBLY_ROBUST, SUPPORT = "logged", "ips", "snips", "doubly_robust", "support"
VALUES = (IPS, SNIPS, DOUBLY_ROBUST)
"""The estimates of the value."""


@dataclass(frozen=True, eq=False)
class WeightedLog:
    """The rows of a log, as a new ranking weights them; one array an attribute, (n,).

    Attributes:
        artists: The artist of each, numbered from 0.
        scores: What happened: r.
        weights: w.
        predicted: What the reward model expects of it: f(a, c).
        expected: What the reward model expects of the new ranking for its artist: m.
    """

    artists: Indices
    scores: Floats
    weights: Floats
    predicted: Floats
    expected: Floats

    @property
    def limit(self) -> float:
        """Return the largest weight that is used, the square root of the number of rows.

        It falls less and less short as the log grows (Ionides 2008, Truncated importance sampling).
        """
        return float(np.sqrt(len(self.weights)))

    @property
    def clipped(self) -> Floats:
        """Return the weights that are used, (n,)."""
        return np.minimum(self.weights, self.limit)

    @property
    def clipping_bias(self) -> float:
        """Return by how much IPS is too low for its clipped weights, estimated."""
        return float(((self.weights - self.clipped) * self.scores).mean())

    @property
    def effective_size(self) -> float:
        """Return how many rows of equal weights would be worth as much (Kish 1965); 0 for none."""
        weights = self.clipped
        squares = float((weights**2).sum())
        return float(weights.sum()) ** 2 / squares if squares else 0.0


def make_quotients(log: WeightedLog) -> dict[str, Quotient]:
    """Return the mean score of the log, the estimates and the supported share, by name."""
    weights, artists = log.clipped, log.artists
    count = int(artists.max()) + 1
    corrections = weights * (log.scores - log.predicted)

    def sums(values: Floats) -> Floats:
        summed: Floats = np.bincount(artists, values, count).astype(float)
        return summed

    rows = sums(np.ones(len(artists)))
    gained = sums(weights * log.scores)
    return {
        LOGGED: Quotient(sums(log.scores), rows),
        IPS: Quotient(gained, rows),
        SNIPS: Quotient(gained, sums(weights)),
        DOUBLY_ROBUST: Quotient(sums(log.expected + corrections), rows),
        SUPPORT: Quotient(sums(log.weights), rows),
    }
