"""Where the frames of an MP3 are, by their headers (ISO/IEC 11172-3, 2.4.1.3 and 13818-3, 2.4.1.3).

What lies between them (tags, pictures, damage) is passed over, whatever it says of itself.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import BinaryIO

from app.audio.refusals import undecodable

HEADER_BYTES = 4
MPEG_1, MPEG_2, MPEG_2_5 = 0b11, 0b10, 0b00

RATES = (44_100, 48_000, 32_000)
SLOWER = {MPEG_1: 1, MPEG_2: 2, MPEG_2_5: 4}
KILOBITS_1 = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 0)
KILOBITS_2 = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 0)
"""By the number in the header. 0 is a free or a forbidden rate: such frames are not found."""

RATE_MASK, PADDING_SHIFT, MONO = 0b1100, 1, 0b11000000
HEADER = re.compile(rb"\xff[\xe2\xe3\xf2\xf3\xfa\xfb][\x10-\xef]", re.DOTALL)

PIECE_BYTES = 2**16
FEWEST_FRAMES = 3
"""So many in a row are no accident: fewer are what a picture or a damaged frame holds."""

MOST_ATTEMPTS = 10_000
"""Music has one; a file made of headers that lead nowhere could keep us busy for minutes."""


@dataclass(frozen=True)
class Layout:
    """What all frames of a track have in common.

    Attributes:
        second: The second byte of their headers, as without a checksum: version and layer.
        rate: The bits of the third byte that say the sample rate.
        mono: Whether there is one channel, not two.
    """

    second: int
    rate: int
    mono: bool

    @property
    def version(self) -> int:
        """One of `SLOWER`."""
        return self.second >> 3 & 0b11

    @property
    def samples(self) -> int:
        """In a frame, of each channel."""
        return 1_152 if self.version == MPEG_1 else 576


@dataclass(frozen=True)
class Run:
    """Frames without anything between them.

    Attributes:
        start: Where the first one begins in the file, in bytes.
        end: Where the last one ends; behind the file's end, where it is cut short.
        frames: How many they are.
    """

    layout: Layout
    start: int
    end: int
    frames: int


def runs(file: BinaryIO, begin: int) -> list[Run]:
    """Find all frames behind a place.

    Raises:
        RequestError: `undecodable_audio` where they are not all of one layout, or can't be told
            from what lies between them.
    """
    found: list[Run] = []
    for run in _attempts(file, begin):
        if run.frames < FEWEST_FRAMES:
            continue
        if found and found[0].layout != run.layout:
            raise undecodable("its sample rate or its channels change in the middle")
        found.append(run)
    return found


def _attempts(file: BinaryIO, place: int) -> Iterator[Run]:
    for _ in range(MOST_ATTEMPTS):
        start = _next_header(file, place)
        if start is None:
            return
        run = _run(file, start)
        yield run
        place = run.end if run.frames >= FEWEST_FRAMES else start + 1
    raise undecodable("there is too much between its frames")


def _next_header(file: BinaryIO, place: int) -> int | None:
    while len(piece := _read(file, place)) >= HEADER_BYTES:
        header = HEADER.search(piece)
        if header and header.start() <= len(piece) - HEADER_BYTES:
            return place + header.start()
        place += len(piece) - HEADER_BYTES + 1
    return None


def _run(file: BinaryIO, place: int) -> Run:
    """Go from header to header, as far as they are like the first one."""
    start, frames = place, 0
    layout = _layout(_read(file, place))
    sizes, second, mono = frame_sizes(layout), layout.second, layout.mono
    while len(piece := _read(file, place)) >= HEADER_BYTES:
        at, last = 0, len(piece) - HEADER_BYTES
        while (
            at <= last
            and piece[at] == 0xFF  # noqa: PLR2004
            and piece[at + 1] | 1 == second
            and (piece[at + 3] >= MONO) == mono
            and (size := sizes[piece[at + 2]])
        ):
            at += size
            frames += 1
        place += at
        if at <= last:
            break
    return Run(layout, start, place, frames)


def _layout(header: bytes) -> Layout:
    return Layout(header[1] | 1, header[2] & RATE_MASK, header[3] >= MONO)


@cache
def frame_sizes(layout: Layout) -> list[int]:
    """The bytes of a frame by the third byte of its header; 0 where that is of another kind."""
    if layout.rate == RATE_MASK:
        return [0] * 256
    rate = RATES[layout.rate >> 2] // SLOWER[layout.version]
    kilobits = KILOBITS_1 if layout.version == MPEG_1 else KILOBITS_2
    return [
        kilobits[third >> 4] * 125 * layout.samples // rate + (third >> PADDING_SHIFT & 1)
        if third & RATE_MASK == layout.rate and kilobits[third >> 4]
        else 0
        for third in range(256)
    ]


def _read(file: BinaryIO, place: int) -> bytes:
    file.seek(place)
    return file.read(PIECE_BYTES)
