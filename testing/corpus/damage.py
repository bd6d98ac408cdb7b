"""Good files that were cut short, or glued to parts of others."""

from functools import partial

from app.errors import Kind
from testing.corpus.hostile import Files, Hostile, sound_file

UNSUPPORTED, UNDECODABLE = Kind.UNSUPPORTED_AUDIO, Kind.UNDECODABLE_AUDIO

SECONDS = 2.0
CONTAINERS = ("WAV", "AIFF", "FLAC", "piped FLAC", "MP3", "Vorbis", "Opus")
PLACES = (14, 40, 0.1, 0.5, 0.9)
"""Where a file is cut: after a number of bytes, or a share of it."""


def cut(container: str, place: float) -> bytes:
    """The beginning of a sound."""
    whole = sound_file(container, SECONDS)
    return whole[: place if isinstance(place, int) else int(place * len(whole))]


def glued(first: str, second: str) -> bytes:
    """The first half of one, the second half of another."""
    other = sound_file(second, SECONDS)
    return cut(first, 0.5) + other[len(other) // 2 :]


VERDICTS: dict[str, tuple[Kind | float, ...]] = {
    "WAV": (UNDECODABLE, UNDECODABLE, UNDECODABLE, 1.0, 1.8),
    "AIFF": (UNDECODABLE, UNDECODABLE, UNDECODABLE, 1.0, 1.8),
    "FLAC": (UNDECODABLE, UNDECODABLE, UNDECODABLE, 0.768, 1.792),
    "piped FLAC": (UNDECODABLE, UNDECODABLE, UNDECODABLE, 0.768, 1.792),
    "MP3": (UNSUPPORTED, UNSUPPORTED, UNDECODABLE, 0.961, 1.825),
    "Vorbis": (UNDECODABLE, UNDECODABLE, UNDECODABLE, UNDECODABLE, 1.36),
    "Opus": (UNDECODABLE, UNDECODABLE, UNDECODABLE, UNDECODABLE, 1.53),
}

GLUED: dict[str, Kind | float] = {
    "WAV": 2.0, "AIFF": 1.87, "FLAC": 2.0, "piped FLAC": 0.768, "MP3": 0.961,
    "Vorbis": 0.59, "Opus": UNDECODABLE,
}  # fmt: skip

FILES: Files = {
    **{
        f"{container} cut at {place}": Hostile(verdict, partial(cut, container, place))
        for container, verdicts in VERDICTS.items()
        for place, verdict in zip(PLACES, verdicts, strict=True)
    },
    **{
        f"{container} glued to {other}": Hostile(verdict, partial(glued, container, other))
        for (container, verdict), other in zip(
            GLUED.items(), (*CONTAINERS[1:], CONTAINERS[0]), strict=True
        )
    },
}
