"""Estimates the duration of a file from its size, before it is decoded, for admission control."""

import os
from typing import IO

HEAD_BYTES = 4

BYTES_A_SECOND = {
    b"RIFF": 176_400,  # 44.1 kHz, 16 bits, stereo
    b"RF64": 176_400,
    b"FORM": 176_400,
    b"fLaC": 90_000,  # compresses to about half
}
COMPRESSED_BYTES_A_SECOND = 24_000
"""192 kbit/s, a usual bit rate of MP3, Vorbis, Opus and AAC."""

USUAL_S = 180.0
"""Duration of a usual song."""


def estimate_duration_s(file: IO[bytes]) -> float:
    """Estimate the duration of a file, in seconds."""
    head = os.pread(file.fileno(), HEAD_BYTES, 0)
    return os.fstat(file.fileno()).st_size / BYTES_A_SECOND.get(head, COMPRESSED_BYTES_A_SECOND)


def estimate_upload_s(size: int | None) -> float:
    """Estimate the duration of an upload, in seconds, before its first byte: at most a usual song.

    Args:
        size: In bytes; None if the client does not announce it.
    """
    return USUAL_S if size is None else min(USUAL_S, size / COMPRESSED_BYTES_A_SECOND)
