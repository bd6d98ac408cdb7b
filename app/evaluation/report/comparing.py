"""Compare figures by their intervals.

Two figures count as different only if their intervals do not overlap. That is stricter than a test
of their difference on the same tracks: some true differences are missed, few false ones are
reported.
"""

from collections.abc import Sequence

from app.evaluation.figures import Interval


def surely_above(one: Interval, other: Interval) -> bool:
    """Return whether the whole of one interval lies above the whole of the other."""
    return one.low is not None and other.high is not None and one.low > other.high


def best(figures: Sequence[Interval]) -> frozenset[int]:
    """Return the indices of the highest figure, and of those that don't differ significantly."""
    known = {at: each for at, each in enumerate(figures) if each.value is not None}
    if not known:
        return frozenset()
    top = max(known, key=lambda at: known[at].value or 0)
    near = {at for at, each in known.items() if _overlaps(each, known[top])}
    return frozenset({top, *near})


def _overlaps(one: Interval, top: Interval) -> bool:
    return one.high is not None and top.low is not None and one.high >= top.low
