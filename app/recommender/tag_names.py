"""Compares the tags of vectors that were made at different times or places."""

from collections.abc import Sequence

from app.errors import SetupError


def check_tags(place: object, found: Sequence[str], expected: Sequence[str], advice: str) -> None:
    """Refuse tag vectors whose tags are not the expected ones, in their order.

    Args:
        place: Where the tags were found, for the message.
        found: The tags there.
        expected: The tags that the vectors must have.
        advice: What to do about a difference.

    Raises:
        SetupError: They differ; the message names the difference.
    """
    if tuple(found) == tuple(expected):
        return
    added, removed = set(found) - set(expected), set(expected) - set(found)
    differences = [
        f"{len(names)} {what}, such as {min(names)!r}"
        for what, names in (("new", added), ("missing", removed))
        if names
    ]
    what = "; ".join(differences) or "they are in another order"
    raise SetupError(f"{place}: its tags have changed ({what}); {advice}")
