"""How long an MP3 says that it is: the frames that its Xing or Info header counts.

Without the header nothing shows how much there should be. That the last frame is not whole is no
sign of damage: recordings of streams and cutters without a decoder end in the middle of one.
"""

import re
from typing import BinaryIO

HEAD_BYTES = 2**16
"""Behind the tags; the header is in the first frame."""

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
    """Return the seconds that an MP3's first frame announces; None where it has no such header."""
    file.seek(begin)
    found = HEADER.search(file.read(HEAD_BYTES))
    if found is None:
        return None
    second, frames = found.group(1)[0], int.from_bytes(found.group(2), "big")
    samples = MPEG_1_SAMPLES if second & MPEG_1 == MPEG_1 else OTHER_SAMPLES
    return frames * samples / sample_rate or None
