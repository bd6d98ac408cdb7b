"""How much audio a file holds, guessed from its size before it is decoded: enough to plan by."""

import os
from typing import IO

HEAD_BYTES = 4

BYTES_A_SECOND = {
    b"RIFF": 176_400,  # 44.1 kHz, 16 bits, stereo
    b"RF64": 176_400,
    b"FORM": 176_400,
    b"fLaC": 90_000,  # about half of that
}
COMPRESSED_BYTES_A_SECOND = 24_000
"""192 kbit/s, between what MP3, Vorbis, Opus and AAC are usually sent at."""

USUAL_S = 180.0
"""Of a song."""


def expected_s(file: IO[bytes]) -> float:
    """Guess the seconds of audio in a file."""
    head = os.pread(file.fileno(), HEAD_BYTES, 0)
    return os.fstat(file.fileno()).st_size / BYTES_A_SECOND.get(head, COMPRESSED_BYTES_A_SECOND)


def announced_s(size: int | None) -> float:
    """Guess it where nothing but the size is known, or not even that: an usual song at most."""
    return USUAL_S if size is None else min(USUAL_S, size / COMPRESSED_BYTES_A_SECOND)
