"""Refusals that more than one step of decoding has."""

from app.errors import Kind, RequestError


def undecodable(reason: str) -> RequestError:
    """A file of a format that we read, which is not as it should be."""
    return RequestError(
        Kind.UNDECODABLE_AUDIO, f"The audio file is broken: {reason}. Export it again and retry."
    )
