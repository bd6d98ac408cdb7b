"""What an MP3's first frame says: how long all is, or that the bit rate is free."""

import re
from typing import BinaryIO

HEADER_BYTES = 4
HEAD_BYTES = 2**16
"""Behind the tags; the header is in the first frame."""

HEADER = re.compile(
    rb"\xff([\xe2\xe3\xf2\xf3\xfa\xfb]).{2}.{9,34}(?:Xing|Info)\0\0\0[\x01\x03\x05\x07\x09\x0b\x0d\x0f]"
    rb"(.{4})",
    re.DOTALL,
)
"""A frame's second byte, its side information, the header's name, its flags with the one for the
number of frames set, and that number."""

FREE_BIT_RATE = re.compile(rb"\xff[\xe2\xe3\xf2\xf3\xfa\xfb][\x00-\x0b]")
"""The header of such a frame (ISO/IEC 11172-3, 2.4.1.3)."""

MPEG_1 = 0b11000
MPEG_1_SAMPLES, OTHER_SAMPLES = 1_152, 576


def announced_s(file: BinaryIO, begin: int, sample_rate: int) -> float | None:
    """Return the seconds that an MP3's first frame announces; None where it has no such header."""
    file.seek(begin)
    found = HEADER.search(file.read(HEAD_BYTES))
    if found is None:
        return None
    second, frames = found.group(1)[0], int.from_bytes(found.group(2), "big")
    samples = MPEG_1_SAMPLES if second & MPEG_1 == MPEG_1 else OTHER_SAMPLES
    return frames * samples / sample_rate or None


def has_free_bit_rate(file: BinaryIO, begin: int) -> bool:
    """Return whether an MP3 is of a bit rate that no table names, which FFmpeg does not read."""
    file.seek(begin)
    return FREE_BIT_RATE.match(file.read(HEADER_BYTES)) is not None
