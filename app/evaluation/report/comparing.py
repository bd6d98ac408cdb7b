"""What intervals allow to say of two figures.

Two figures are told apart only where their intervals do not touch. That is stricter than a test of
their difference on the same tracks would be: some true differences stay unsaid, few false ones are
said.
"""

from collections.abc import Sequence

from app.evaluation.figures import Interval


def surely_above(one: Interval, other: Interval) -> bool:
    """Whether the whole of one lies above the whole of the other."""
    return one.low is not None and other.high is not None and one.low > other.high


def best(figures: Sequence[Interval]) -> frozenset[int]:
    """The places of the highest, and of those that can't be told apart from it."""
    known = {at: each for at, each in enumerate(figures) if each.value is not None}
    if not known:
        return frozenset()
    top = max(known, key=lambda at: known[at].value or 0)
    near = {at for at, each in known.items() if _overlaps(each, known[top])}
    return frozenset({top, *near})


def _overlaps(one: Interval, top: Interval) -> bool:
    return one.high is not None and top.low is not None and one.high >= top.low
