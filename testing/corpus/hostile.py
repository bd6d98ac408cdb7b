"""What a hostile file is, and the sounds that such files are made from."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from app.errors import Kind
from testing.ogg_pages import with_serial
from testing.sounds import encoded, noise, piped

RATE = 16_000
BYTES_A_SECOND = 2 * RATE
"""Of 16 bits, mono."""


@dataclass(frozen=True)
class Hostile:
    """A file that a stranger might upload.

    Attributes:
        verdict: The kind of its refusal; of an accepted file, the seconds that must be heard.
        make: Writes it; the same bytes each time.
    """

    verdict: Kind | float
    make: Callable[[], bytes]


Files = dict[str, Hostile]


def sound(seconds: float = 1.0) -> bytes:
    """White noise at `RATE`, 16 bits, mono, little-endian."""
    return (noise(round(seconds * RATE)) * 2**15).clip(-(2**15), 2**15 - 1).astype("<i2").tobytes()


@cache
def sound_file(container: str, seconds: float = 1.0) -> bytes:
    """White noise as an honest file: WAV, AIFF, FLAC, piped FLAC, MP3, Vorbis or Opus.

    The lossy ones are at 48 kHz. libsndfile draws the serial number of an Ogg stream by lot.
    """
    lossy, lossless = noise(round(seconds * 48_000)), noise(round(seconds * RATE))
    match container:
        case "MP3":
            return encoded(lossy, 48_000, "MP3")
        case "Vorbis":
            return with_serial(encoded(lossy, 48_000, "OGG"), 1)
        case "Opus":
            return with_serial(encoded(lossy, 48_000, "OGG", "OPUS"), 1)
        case "piped FLAC":
            return piped(encoded(lossless, RATE, "FLAC"))
        case _:
            return encoded(lossless, RATE, container)
