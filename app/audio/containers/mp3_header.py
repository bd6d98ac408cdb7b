"""Reads the announced duration of an MP3 from the frame count of its Xing or Info header.

An MP3 without that header does not announce its duration. An incomplete last frame does not mean
damage: recordings of streams and files cut without a decoder end in the middle of a frame.
"""

import re
from typing import BinaryIO

HEAD_BYTES = 2**16
"""How much is searched behind the tags; the header is in the first frame."""

HEADER = re.compile(
    rb"\xff([\xe2\xe3\xf2\xf3\xfa\xfb]).{2}.{9,34}(?:Xing|Info)\0\0\0[\x01\x03\x05\x07\x09\x0b\x0d\x0f]"
    rb"(.{4})",
    re.DOTALL,
)
"""A frame's second byte, its side information, the header's name, its flags with the one for the
number of frames set, and that number."""

MPEG_1 = 0b11000
MPEG_1_SAMPLES, OTHER_SAMPLES = 1_152, 576


def announced_s(file: BinaryIO, begin: int, sample_rate: int) -> float | None:
    """Return the duration that an MP3 announces, in seconds; None if it has no such header.

    Args:
        file: The file.
        begin: Position behind the tags.
        sample_rate: In Hz.
    """
    file.seek(begin)
    found = HEADER.search(file.read(HEAD_BYTES))
    if found is None:
        return None
    second, frames = found.group(1)[0], int.from_bytes(found.group(2), "big")
    samples = MPEG_1_SAMPLES if second & MPEG_1 == MPEG_1 else OTHER_SAMPLES
    return frames * samples / sample_rate or None
