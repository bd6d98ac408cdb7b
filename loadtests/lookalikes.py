"""Many different uploads from one encoded track.

The service names a track by the SHA-256 of its file. An ID3v1 block at the end of an MP3, which
decoders skip, makes a file that it has never seen and that costs as much as the first, while
encoding another track would take longer than having it tagged.
"""

import itertools
import secrets
from collections.abc import Iterator

ID3V1_BYTES = 128


def lookalike(mp3: bytes, label: str) -> bytes:
    """The same audio under another SHA-256, one for each label."""
    title = label.encode("ascii")
    assert len(title) <= ID3V1_BYTES - 3, f"{label!r} is too long"
    return mp3 + b"TAG" + title.ljust(ID3V1_BYTES - 3, b"\0")


def lookalikes(mp3: bytes) -> Iterator[bytes]:
    """The same audio again and again, never under a SHA-256 that any run has used."""
    run = secrets.token_hex(8)
    return (lookalike(mp3, f"{run} {number}") for number in itertools.count())
